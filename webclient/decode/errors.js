// The picture cannot be decoded; a new stream (`Refresh`) mends it.
export class DecodeError extends Error {}
