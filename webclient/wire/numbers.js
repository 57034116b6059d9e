// The numbers of the tsg protocol that have names, and the limits that hold for its messages.

export const VERSION = 1;
export const SUBPROTOCOL = "tsg.v1";
export const MAX_CLIENT_MESSAGE = 64 * 1024;
export const MAX_SERVER_MESSAGE = 16 * 1024 * 1024;
export const MAX_SCREEN = 8192;
export const MAX_CURSOR = 256;
export const MAX_OPERATIONS = 4096;
export const MAX_VIDEO_STREAMS = 8;
export const MAX_TEXT = 4096;
export const MAX_DIALOG = 4096;

export const CloseCode = Object.freeze({
  NORMAL: 0,
  PROTOCOL: 1,
  UNKNOWN: 2,
  VERSION: 3,
  TICKET: 4,
  LIMIT: 5,
  SESSION_ENDED: 6,
  TAKEN_OVER: 7,
  TIMEOUT: 8,
  SERVER_ERROR: 9,
  SHUTDOWN: 10,
  SIGNED_OUT: 11,
  IN_USE: 12,
  DISCONNECTED: 13,
  SHADOW_OVER: 14,
});

export const SessionState = Object.freeze({
  STARTING: 0,
  ACTIVE: 1,
  CONNECTED: 2,
  IDLE: 3,
  DISCONNECTED: 4,
  ENDED: 5,
});

export const Capability = Object.freeze({
  HISTORY: 1,
  JPEG: 2,
  TEXT: 3,
  RESIZE: 4,
  COPY: 5,
  H264: 6,
  VP8: 7,
  VP9: 8,
  AV1: 9,
  STATISTICS: 10,
  NOTICES: 11,
  DIALOGS: 12,
  SHADOWS: 13,
  SWITCH: 14,
  CLIPBOARD_IN: 15,
  CLIPBOARD_OUT: 16,
  SOUND: 17,
  MICROPHONE: 18,
  RELATIVE: 19,
  LOCKS: 20,
  SHARING: 22,
  POINTERS: 23,
});

export const Lock = Object.freeze({ CAPS: 1, NUM: 2 });
export const NoticeLevel = Object.freeze({ INFORMATION: 0, WARNING: 1, ABSENCE: 2 });
export const DialogKind = Object.freeze({ MESSAGE: 0, SHADOW_VIEW: 1, SHADOW_CONTROL: 2 });
export const ShadowState = Object.freeze({ OVER: 0, VIEW: 1, CONTROL: 2 });
export const Encoding = Object.freeze({ HISTORY: 0, JPEG: 1, COPY: 2, VIDEO: 3 });
export const Codec = Object.freeze({ H264: 0, VP8: 1, VP9: 2, AV1: 3 });
export const VideoFlag = Object.freeze({ KEY: 1 });
export const FrameFlag = Object.freeze({ NEW_STREAM: 1, LAST: 2 });
export const Stage = Object.freeze({ INPUT: 0, GUEST: 1, WAIT: 2, ENCODE: 3, SEND: 4, LINE: 5, CLIENT: 6, TOTAL: 7 });
export const Button = Object.freeze({ LEFT: 1, MIDDLE: 2, RIGHT: 4, BACK: 8, FORWARD: 16 });

// Frames of sound a second: what `Sound.at` counts in and Opus is decoded to, and those of plain samples; samples of a
// voice. (Sound threads read this file, and have not even a TextDecoder.)
export const SOUND_RATE = 48000;
export const PCM_RATE = 24000;
export const VOICE_RATE = 24000;
