// サーバーがセッション中に伝える文。キーは英語の文で、{ } の中は場所ごとに変わる部分です。{what} には別の文が、{time} には時間が入ります。

export default {
  times: { second: "{count}秒", minute: "{count}分", hour: "{count}時間", less: "1分未満" },

  sentences: {
    // 起動
    "Starting": "起動しています",
    "Making the disk ready": "ディスクを準備しています",
    "Starting the machine": "マシンを起動しています",
    "Starting the shared machine": "共有マシンを起動しています",
    "The guest is booting": "ゲストを起動しています",
    "The desktop is starting": "デスクトップを起動しています",
    "The guest is ready": "ゲストの準備ができました",
    "Signing you in": "サインインしています",
    "Your desktop is ready": "デスクトップの準備ができました",
    "Your desktop is still shutting down": "デスクトップはまだシャットダウン中です",
    "Connecting to the VNC server": "VNC サーバーに接続しています",
    "Drawing the test card": "テスト画像を描画しています",
    "The guest did not start within {count} seconds: this machine may be too busy, or the guest's image broken.":
      "ゲストが{count}秒以内に起動しませんでした。サーバーが混み合っているか、ゲストのイメージが壊れている可能性があります。",
    "This server cannot run virtual machines: QEMU is not installed.": "このサーバーには QEMU がないため、仮想マシンを実行できません。",
    "This server's QEMU lacks the display that is needed here.": "このサーバーの QEMU には、必要なディスプレイ機能がありません。",
    "The server has too little memory for this guest.": "サーバーのメモリが不足しているため、ゲストを起動できません。",
    "The guest's image is broken: its kernel cannot be loaded.": "ゲストのイメージが壊れています。カーネルを読み込めません。",
    "The guest's image is broken: its disk cannot be opened.": "ゲストのイメージが壊れています。ディスクを開けません。",
    "The guest's virtual machine did not start.": "ゲストの仮想マシンを起動できませんでした。",
    "All {count} seats of this desktop are taken. Try again when somebody has logged off.":
      "このデスクトップの定員 {count} 名に達しています。誰かがログオフしてからもう一度お試しください。",

    // 終了
    "You have logged off.": "ログオフしました。",
    "An administrator has logged this session off.": "管理者がこのセッションをログオフしました。",
    "You have reset this session.": "このセッションをリセットしました。",
    "An administrator has reset this session.": "管理者がこのセッションをリセットしました。",
    "You have disconnected this session. It goes on.": "このセッションを切断しました。セッションは続いています。",
    "An administrator has disconnected this session. It goes on.": "管理者がこのセッションを切断しました。セッションは続いています。",
    "The session was ended.": "セッションは終了しました。",
    "It does not run any more.": "セッションはもう実行されていません。",
    "The guest was shut down.": "ゲストがシャットダウンされました。",
    "The guest's operating system has crashed.": "ゲストのオペレーティングシステムが異常終了しました。",
    "The guest was restarted.": "ゲストが再起動されました。",
    "The guest was ended by the server.": "サーバーがゲストを終了しました。",
    "The guest was restarted by the server.": "サーバーがゲストを再起動しました。",
    "The guest has ended ({reason}).": "ゲストが終了しました ({reason})。",
    "The guest was killed; the server may be out of memory.": "ゲストが強制終了されました。サーバーのメモリが不足している可能性があります。",
    "The guest's virtual machine has crashed ({reason}).": "ゲストの仮想マシンが異常終了しました ({reason})。",
    "The guest's virtual machine has ended unexpectedly.": "ゲストの仮想マシンが予期せず終了しました。",
    "The desktop cannot go on: an internal error, see the session host's log.":
      "内部エラーのためデスクトップを続行できません。詳細はセッションホストのログにあります。",
    "The shared machine is gone.": "共有マシンがなくなりました。",
    "The shared machine does not answer.": "共有マシンが応答しません。",
    "The shared machine of this desktop is gone.": "このデスクトップの共有マシンがなくなりました。",
    "This desktop has ended while nobody looked after it.": "このデスクトップは、監視されていない間に終了しました。",
    "{what} It is started again.": "{what}再起動しています。",
    "{what} Starting it again has not helped.": "{what}再起動しても解決しませんでした。",

    // 画面
    "{what} Trying again.": "{what}再試行しています。",
    "The guest's screen does not answer: QEMU is busy or stuck.": "ゲストの画面が応答しません。QEMU が混み合っているか、停止しています。",
    "The connection to the guest's screen was closed.": "ゲストの画面への接続が閉じられました。",
    "The VNC server closed the connection.": "VNC サーバーが接続を閉じました。",
    "The VNC server of this desktop does not answer.": "このデスクトップの VNC サーバーが応答しません。",
    "Your desktop's screen was cut off.": "デスクトップの画面への接続が切れました。",
    "Your desktop's screen does not answer.": "デスクトップの画面が応答しません。",
    "This desktop does not run.": "このデスクトップは実行されていません。",

    // 制限
    "This desktop is in use in another place: by {who}, for {time}.": "このデスクトップは別の場所で使用中です。使用者：{who}、経過時間：{time}",
    "This desktop is in use in another place: by {who}, for {time}, with {client}.":
      "このデスクトップは別の場所で使用中です。使用者：{who}、経過時間：{time}、クライアント：{client}",
    "You have not used this desktop for a while. You will be disconnected.": "デスクトップがしばらく使われていません。まもなく切断されます。",
    "You have not used this desktop for a while. You will be logged off.": "デスクトップがしばらく使われていません。まもなくログオフされます。",
    "This desktop may be used for {time} at a time. You will be disconnected.":
      "このデスクトップを連続して使えるのは{time}までです。まもなく切断されます。",
    "This desktop may be used for {time} at a time. You will be logged off.":
      "このデスクトップを連続して使えるのは{time}までです。まもなくログオフされます。",
    "You may use this desktop until then. You will be disconnected; your session goes on.":
      "このデスクトップを使えるのはその時刻までです。切断されますが、セッションは続きます。",
    "You may not use this desktop from here or at this time. Your session goes on; reference {reference}.":
      "この場所またはこの時間帯には、このデスクトップを使用できません。セッションは続いています。参照番号：{reference}",
    "The session goes on; you were disconnected because it was not used for {time}.":
      "{time}使われなかったため切断しました。セッションは続いています。",
    "The session goes on; you were disconnected because it was in use for {time}, which is as long as it may be at a time.":
      "連続して使える上限の{time}に達したため切断しました。セッションは続いています。",
    "The session was logged off because it was not used for {time}.": "{time}使われなかったため、セッションをログオフしました。",
    "The session was logged off because it was in use for {time}, which is as long as it may be at a time.":
      "連続して使える上限の{time}に達したため、セッションをログオフしました。",
    "The session was logged off because nobody was connected for {time}.": "{time}誰も接続しなかったため、セッションをログオフしました。",

    // 招待と閲覧
    "Your invitation was taken back.": "招待が取り消されました。",
    "The invitation has expired, or was taken back.": "招待の期限が切れたか、取り消されました。",
    "The session you were invited to has ended.": "招待されたセッションは終了しました。",
    "Sessions of this desktop may not be shown to people who are invited.": "このデスクトップのセッションは、招待された人に見せることができません。",
    "This invitation is for people who have signed in here.": "この招待は、サインインした人だけが使えます。",
    "You may not look on at this desktop from here or at this time.": "この場所またはこの時間帯には、このデスクトップを閲覧できません。",
    "You may not look on at this session any more.": "このセッションはもう閲覧できません。",
    "Nobody may look on at this session: its rules do not allow it.": "規則により、このセッションは誰も閲覧できません。",
    "Others may see this session, but not use it: its rules do not allow more.": "規則により、このセッションは閲覧だけが許可されています。",
    "Nobody may be invited to this session: its rules do not allow it.": "規則により、このセッションには誰も招待できません。",
    "Nobody is connected to this session who could be asked.": "許可を求める相手が、このセッションに接続していません。",
    "{count} others look on at this session already.": "すでにほかの {count} 名がこのセッションを閲覧しています。",
    "{who} is not connected now. The invitation is good while {who} is; try again later.":
      "{who}さんは現在接続していません。招待は{who}さんが接続している間だけ使えます。後でもう一度お試しください。",
    "{who} does not allow it.": "{who}さんが許可しませんでした。",
    "{who} has not answered.": "{who}さんからの応答がありませんでした。",
    "{who} has ended it.": "{who}さんが終了しました。",
    "{who}, who had allowed it, is not connected any more.": "許可した{who}さんの接続が切れました。",
    "{who} is asked to allow it.": "{who}さんに許可を求めています。",

    // クリップボード
    "Something else was copied meanwhile.": "その間に別の内容がコピーされました。",
    "Something else was copied in the desktop meanwhile.": "その間にデスクトップで別の内容がコピーされました。",
    "The desktop does not hand over what was copied in it.": "デスクトップからコピーした内容を受け取れません。",
    "The VNC server of this desktop does not hand over what was copied.": "このデスクトップの VNC サーバーから、コピーした内容を受け取れません。",
    "What was copied is not a picture that can be shown.": "コピーした画像は表示できません。",
    "The picture that was copied is too large: {size} pixels.": "コピーした画像が大きすぎます ({size} ピクセル)。",
  },
};
