// The microphone: asked for when the person wants to speak, let go of when they do not.

const WORKLET = new URL("./worklet.js", import.meta.url);

// Why there is no voice, as the end of a string's name.
const REASONS = {
  NotAllowedError: "refused", SecurityError: "refused", NotFoundError: "none", NotReadableError: "busy", AbortError: "busy",
  OverconstrainedError: "gone",
};

export class Microphone {
  #stream = null;
  #context = null;
  #events;
  #turn = 0; // what was begun before is not wanted any more

  // events: {voice(port or null): pieces come out there; failed(reason): "refused", "none", "busy", "gone",
  // "unplugged" or "insecure"}.
  constructor(events) {
    this.#events = events;
  }

  get isOn() {
    return this.#stream !== null;
  }

  // device: its id, "" for the system's own. → whether it is on.
  async start(device) {
    this.stop();
    const turn = this.#turn;
    try {
      const stream = await ask(device);
      if (turn !== this.#turn) {
        release(stream);
        return false;
      }
      this.#stream = stream;
      stream.getAudioTracks()[0].onended = () => this.#unplugged();
      await this.#record(stream);
      return true;
    } catch (error) {
      if (turn !== this.#turn) return false;
      this.stop();
      this.#events.failed(error instanceof Insecure ? "insecure" : REASONS[error.name] ?? "busy");
      return false;
    }
  }

  stop() {
    this.#turn += 1;
    if (this.#stream) this.#events.voice(null);
    release(this.#stream);
    this.#stream = null;
    this.#context?.close().catch(() => {});
    this.#context = null;
  }

  async #record(stream) {
    const context = new AudioContext({ latencyHint: "interactive" });
    this.#context = context;
    await context.audioWorklet.addModule(WORKLET);
    const recorder = new AudioWorkletNode(context, "tsgateway-recorder", { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" });
    new MediaStreamAudioSourceNode(context, { mediaStream: stream }).connect(recorder);
    const { port1, port2 } = new MessageChannel();
    recorder.port.postMessage({ port: port1 }, [port1]);
    await context.resume();
    this.#events.voice(port2);
  }

  #unplugged() {
    this.stop();
    this.#events.failed("unplugged");
  }
}

class Insecure extends Error {}

async function ask(device) {
  if (!navigator.mediaDevices?.getUserMedia) throw new Insecure("there is no microphone without a secure connection");
  const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  const wish = device ? { ...audio, deviceId: { exact: device } } : audio;
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: wish });
  } catch (error) {
    if (error.name !== "OverconstrainedError") throw error;
    return await navigator.mediaDevices.getUserMedia({ audio }); // the one that was chosen is not there any more
  }
}

function release(stream) {
  for (const track of stream?.getTracks() ?? []) {
    track.onended = null;
    track.stop();
  }
}
