// What browsers have and TypeScript's library does not know yet.

interface Navigator {
  keyboard?: {
    lock?(codes?: string[]): Promise<void>;
    unlock?(): void;
    getLayoutMap?(): Promise<Map<string, string>>;
  };
}

// What there is on sound threads only.
declare const sampleRate: number;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: typeof AudioWorkletProcessor): void;
// hash-wasm, once it has been imported (files/sha256.js).
declare var hashwasm: { // eslint-disable-line no-var
  createSHA256(): Promise<{
    init(): void;
    update(data: Uint8Array): void;
    digest(form: "hex"): string;
    save(): Uint8Array;
    load(state: Uint8Array): void;
  }>;
};
