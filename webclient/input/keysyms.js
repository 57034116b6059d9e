// KeyboardEvent → X11 keysym. Source: X Window System Protocol, appendix A, and keysymdef.h for the names.

// KeyboardEvent.key → keysym, or [left, right] by KeyboardEvent.location.
const NAMED = {
  Backspace: 0xff08, Tab: 0xff09, Clear: 0xff0b, Enter: 0xff0d, Pause: 0xff13, ScrollLock: 0xff14,
  Escape: 0xff1b, KanjiMode: 0xff21, NonConvert: 0xff22, Convert: 0xff23, Romaji: 0xff24,
  Hiragana: 0xff25, Katakana: 0xff26, HiraganaKatakana: 0xff27, Zenkaku: 0xff28, Hankaku: 0xff29,
  ZenkakuHankaku: 0xff2a, KanaMode: 0xff2d, Alphanumeric: 0xff30, HangulMode: 0xff31, HanjaMode: 0xff34,
  CodeInput: 0xff37, SingleCandidate: 0xff3c, AllCandidates: 0xff3d, PreviousCandidate: 0xff3e,
  Home: 0xff50, ArrowLeft: 0xff51, ArrowUp: 0xff52, ArrowRight: 0xff53, ArrowDown: 0xff54,
  PageUp: 0xff55, PageDown: 0xff56, End: 0xff57, Select: 0xff60, PrintScreen: 0xff61, Execute: 0xff62,
  Insert: 0xff63, Undo: 0xff65, Redo: 0xff66, ContextMenu: 0xff67, Find: 0xff68, Cancel: 0xff69,
  Help: 0xff6a, ModeChange: 0xff7e, NumLock: 0xff7f, Delete: 0xffff, CapsLock: 0xffe5,
  Shift: [0xffe1, 0xffe2], Control: [0xffe3, 0xffe4], Meta: [0xffeb, 0xffec], OS: [0xffeb, 0xffec],
  Alt: [0xffe9, 0xffea], AltGraph: 0xfe03, Hyper: 0xffed, Super: 0xffeb, GroupNext: 0xfe08,
  AudioVolumeDown: 0x1008ff11, AudioVolumeMute: 0x1008ff12, AudioVolumeUp: 0x1008ff13,
  MediaPlayPause: 0x1008ff14, MediaStop: 0x1008ff15, MediaTrackPrevious: 0x1008ff16,
  MediaTrackNext: 0x1008ff17, BrowserHome: 0x1008ff18, LaunchMail: 0x1008ff19, BrowserSearch: 0x1008ff1b,
  LaunchApplication2: 0x1008ff1d, BrowserBack: 0x1008ff26, BrowserForward: 0x1008ff27,
  BrowserStop: 0x1008ff28, BrowserRefresh: 0x1008ff29, PowerOff: 0x1008ff2a, Power: 0x1008ff2a,
  WakeUp: 0x1008ff2b, Eject: 0x1008ff2c, Standby: 0x1008ff2f, BrowserFavorites: 0x1008ff30,
  LaunchMediaPlayer: 0x1008ff32, LaunchApplication1: 0x1008ff33, Copy: 0x1008ff57, Cut: 0x1008ff58,
  Paste: 0x1008ff6d,
};

// Keys of the number block, which have keysyms of their own.
const NUMPAD = {
  Enter: 0xff8d, Home: 0xff95, ArrowLeft: 0xff96, ArrowUp: 0xff97, ArrowRight: 0xff98, ArrowDown: 0xff99,
  PageUp: 0xff9a, PageDown: 0xff9b, End: 0xff9c, Clear: 0xff9d, Insert: 0xff9e, Delete: 0xff9f,
  "=": 0xffbd, "*": 0xffaa, "+": 0xffab, ",": 0xffac, "-": 0xffad, ".": 0xffae, "/": 0xffaf,
};

const RIGHT = 2;
const NUMPAD_LOCATION = 3;

// The keysym of one character (a string of one code point).
export function keysymOfCharacter(character) {
  const point = character.codePointAt(0);
  const isLatin1 = (point >= 0x20 && point <= 0x7e) || (point >= 0xa0 && point <= 0xff);
  return isLatin1 ? point : 0x01000000 + point;
}

// True for keys whose `key` is what they print.
export function isCharacter(key) {
  return key.length > 0 && key.length === String.fromCodePoint(key.codePointAt(0)).length;
}

// The keysym of a KeyboardEvent-like {key, location}, 0 where there is none (dead keys, for one).
export function keysym({ key, location }) {
  if (location === NUMPAD_LOCATION) {
    if (/^[0-9]$/.test(key)) return 0xffb0 + Number(key);
    if (key in NUMPAD) return NUMPAD[key];
  }
  if (isCharacter(key)) return keysymOfCharacter(key);
  const functionKey = /^F([1-9]|[12][0-9]|3[0-5])$/.exec(key);
  if (functionKey) return 0xffbd + Number(functionKey[1]);
  const found = Object.hasOwn(NAMED, key) ? NAMED[key] : 0;
  return Array.isArray(found) ? found[location === RIGHT ? 1 : 0] : found;
}
