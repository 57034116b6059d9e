// What browsers have and TypeScript's library does not know yet.

interface Navigator {
  keyboard?: {
    lock?(codes?: string[]): Promise<void>;
    unlock?(): void;
    getLayoutMap?(): Promise<Map<string, string>>;
  };
}
