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
