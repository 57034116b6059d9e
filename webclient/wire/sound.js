// Sound: what the guest plays, and what a viewer says into its microphone.

import { blob, ProtocolError, u32, u8 } from "./fields.js";

// Bytes of one piece.
export const MAX_SOUND = 16 * 1024;
export const MAX_VOICE = 4800;

export const SoundFormat = Object.freeze({ NONE: 0, OPUS: 1, PCM: 2 });
export const SoundFlag = Object.freeze({ BEGINS: 1 });
export const MicrophoneState = Object.freeze({ NONE: 0, FREE: 1, OWN: 2, TAKEN: 3 });

function checkFormat({ name, format }) {
  if (format > SoundFormat.PCM) throw new ProtocolError(`${name}: ${format} is no SoundFormat`);
}

function checkVoice({ name, samples }) {
  if (samples.length % 2) throw new ProtocolError(`${name}: ${samples.length} bytes are no whole samples`);
}

function checkSound({ name, format, data }) {
  checkFormat({ name, format });
  if (format === SoundFormat.PCM && data.length % 4) {
    throw new ProtocolError(`${name}: ${data.length} bytes are no whole frames`);
  }
}

function checkMicrophone({ name, state }) {
  if (state > MicrophoneState.TAKEN) throw new ProtocolError(`${name}: ${state} is no MicrophoneState`);
}

export const LAYOUTS = {
  Listen: { type: 0x38, fields: [u8("format")], check: checkFormat },
  Heard: { type: 0x39, fields: [u32("at")] },
  Speak: { type: 0x3a, fields: [u8("on")] },
  Voice: { type: 0x3b, fields: [blob("samples", MAX_VOICE)], check: checkVoice },
  Sound: {
    type: 0x3c,
    fields: [u32("at"), u8("format"), u8("flags"), blob("data", MAX_SOUND)],
    check: checkSound,
  },
  Microphone: { type: 0x3d, fields: [u8("state")], check: checkMicrophone },
};

export const FROM_VIEWER = ["Listen", "Heard", "Speak", "Voice"];
export const FROM_SERVER = ["Sound", "Microphone"];
