// Every sentence people read, in one place, so that a translation is one more table.

const ENGLISH = {
  product: "tsgateway",
  "app.loading": "Loading…",
  "app.unreachable": "The server cannot be reached",
  "app.unreachable.hint": "Check your connection; the page tries again by itself.",
  "app.retry": "Try again",
  "app.nowhere": "There is no such page",
  "app.nowhere.hint": "The address may be mistyped, or the page has moved.",

  "theme.label": "Colours",
  "theme.auto": "As the system",
  "theme.light": "Light",
  "theme.dark": "Dark",

  "signin.title": "Sign in",
  "signin.lead": "Your desktops, from anywhere.",
  "signin.name": "Name",
  "signin.password": "Password",
  "signin.show": "Show password",
  "signin.hide": "Hide password",
  "signin.submit": "Sign in",
  "signin.busy": "Signing in…",
  "signin.missing": "Enter your name and your password.",
  "signin.wrong": "The name or the password is wrong.",
  "signin.throttled": "Too many attempts. Try again in {seconds} s.",
  "signin.again": "You have been signed out. Please sign in again.",

  "desktops.title": "Your desktops",
  "desktops.greeting": "Welcome, {name}",
  "desktops.empty": "No desktops have been given to you yet",
  "desktops.empty.hint": "Ask your administrator to give you one; it will show up here by itself.",
  "desktops.connect": "Connect",
  "desktops.connect.of": "Connect to {title}",
  "desktops.resume": "Resume",
  "desktops.resume.of": "Resume {title}",
  "desktops.end": "End",
  "desktops.end.of": "End the session of {title}",
  "desktops.connecting": "Connecting…",
  "desktops.ready": "Ready to start",
  "desktops.signout": "Sign out",
  "desktops.signout.failed": "You are still signed in. {reason}",
  "desktops.account": "Account of {name}",
  "desktops.groups": "Groups: {groups}",
  "kind.qemu": "Virtual machine",
  "kind.rfb": "Remote screen",
  "kind.testcard": "Test picture",
  "kind.other": "Desktop",

  "state.starting": "Starting",
  "state.starting.percent": "Starting · {percent} %",
  "state.active": "Running",
  "state.connected": "Running",
  "state.idle": "Idle",
  "state.disconnected": "Disconnected",
  "state.ended": "Ended",
  "state.viewers.one": "1 viewer",
  "state.viewers.many": "{count} viewers",
  "state.since": "since {time}",

  "end.title": "End this session?",
  "end.text": "Everything open in “{title}” is closed, and what is not saved is lost.",
  "end.confirm": "End session",
  "end.failed": "The session could not be ended",
  "cancel": "Cancel",
  "close": "Close",

  "session.label": "Screen of {title}. Press Control, Alt and Shift together to reach the toolbar.",
  "session.text.label": "Text for {title}",
  "session.toolbar": "Session toolbar",
  "session.toolbar.show": "Show the toolbar",
  "session.watching": "Watching only",
  "session.full": "Full screen",
  "session.full.off": "Leave full screen",
  "session.keys": "Key combinations",
  "session.keyboard": "Keyboard",
  "session.keyboard.keys": "Guest layout (physical keys)",
  "session.keyboard.keys.hint": "Keys go by their place; the guest decides what they type.",
  "session.keyboard.text": "My layout (text)",
  "session.keyboard.text.hint": "What you type arrives as text, input methods included.",
  "session.keyboard.screen": "Show on-screen keyboard",
  "session.box": "Text box",
  "session.box.label": "Write here, with any input method, and send it as typing",
  "session.box.send": "Send",
  "session.box.hint": "Enter sends, Shift+Enter begins a new line",
  "session.more": "More",
  "session.statistics": "Statistics",
  "session.picture": "Save picture of the screen",
  "session.disconnect": "Disconnect",
  "session.disconnect.hint": "The session goes on",
  "session.end": "End session…",
  "session.statistics.line": "{rate} · {frames} frames/s · decode {decode} · on screen {present} · round trip {trip} · {total} in all",
  "session.statistics.exact": "exact {rate}/s",
  "session.statistics.still": "JPEG {rate}/s",
  "session.statistics.copy": "moved {rate}/s",
  "session.statistics.video": "video {detail}, {rate}/s",

  "notice.connecting": "Connecting to {title}",
  "notice.connecting.text": "Just a moment…",
  "notice.starting": "{title} is starting",
  "notice.starting.text": "The machine is being prepared.",
  "notice.waiting": "Waiting for the picture",
  "notice.waiting.text": "{title} is connected; its screen will appear in a moment.",
  "notice.paused": "The screen of {title} is away",
  "notice.paused.text": "It is being opened again.",
  "notice.lost": "Reconnecting…",
  "notice.lost.text": "The connection was lost. Your session goes on, and nothing is lost.",
  "notice.attempt": "Attempt {attempt}",
  "notice.attempt.in": "Attempt {attempt} in {seconds} s",
  "notice.gone": "The server cannot be reached",
  "notice.gone.text": "It may be restarting, or your network may be down. This page keeps trying.",
  "notice.shutdown": "The server is restarting",
  "notice.shutdown.text": "Your session goes on; this page comes back to it by itself.",
  "notice.retry": "Retry now",
  "notice.back": "Back to desktops",
  "notice.again": "Start again",
  "notice.reload": "Reload",
  "notice.takeback": "Use it here",
  "notice.signin": "Sign in",
  "notice.ended": "The session has ended",
  "notice.ended.text": "It does not run any more, and what was open in it is closed.",
  "notice.refused": "This session cannot be opened",
  "notice.refused.text": "It has ended, or it is not yours.",
  "notice.taken": "Opened elsewhere",
  "notice.taken.text": "This session is now in use in another window or on another device.",
  "notice.signedout": "You are signed out",
  "notice.signedout.text": "Sign in again to come back to your session.",
  "notice.version": "This page is out of date",
  "notice.version.text": "The server speaks another version. Reload the page to go on.",
  "notice.protocol": "The viewer and the server disagree",
  "notice.protocol.text": "Reload the page; if that does not help, tell your administrator.",
  "notice.broken": "This browser cannot show the desktop",
  "notice.broken.text": "A current version of Chromium, Firefox, Edge or Safari is needed.",
  "notice.detail": "Details: {detail}",
};

// The sentence `key`, with {names} replaced from `values`.
export function t(key, values = {}) {
  const text = ENGLISH[key];
  if (text === undefined) throw new Error(`no sentence "${key}"`);
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

export function time(date) {
  const sameDay = date.toDateString() === new Date().toDateString();
  const options = { hour: "2-digit", minute: "2-digit", ...(sameDay ? {} : { weekday: "short" }) };
  return new Intl.DateTimeFormat(undefined, options).format(date);
}

export function bytes(count) {
  if (count < 1000) return `${Math.round(count)} B`;
  if (count < 1e6) return `${(count / 1e3).toFixed(1)} kB`;
  return `${(count / 1e6).toFixed(1)} MB`;
}

export function milliseconds(value) {
  return value === null ? "–" : `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}
