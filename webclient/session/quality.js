// How good a line is, in one word: pure. Loss cannot be seen on TCP; it shows as delay that comes and goes.

// The first that fits: round trip and jitter at most so long (ms), and at least so many bytes a second where the
// line is the limit.
const GRADES = [
  { key: "quality.excellent", level: 4, trip: 40, jitter: 15, rate: 1_000_000 },
  { key: "quality.good", level: 3, trip: 100, jitter: 40, rate: 400_000 },
  { key: "quality.fair", level: 2, trip: 220, jitter: 100, rate: 120_000 },
];
const POOR = { key: "quality.poor", level: 1 };
const STALLED = { key: "quality.stalled", level: 0 };
const STALL_TIME = 4000; // ms of silence; both sides speak every two seconds

/**
 * roundTrip, jitter: ms, null where not known; rate: bytes a second, 0 where the line is not the limit; silence: ms
 * since something came.
 * @param {{roundTrip: number | null, jitter: number | null, rate: number, silence: number}} line
 * @returns {{key: string, level: number} | null}
 */
export function qualityOf({ roundTrip, jitter, rate, silence }) {
  if (silence > STALL_TIME) return STALLED;
  if (roundTrip === null) return null;
  const fits = (grade) => roundTrip <= grade.trip && (jitter ?? 0) <= grade.jitter && (!rate || rate >= grade.rate);
  const { key, level } = GRADES.find(fits) ?? POOR;
  return { key, level };
}

// The mean difference between one value and the next; null for fewer than two.
export function jitterOf(values) {
  if (values.length < 2) return null;
  const steps = values.slice(1).map((value, index) => Math.abs(value - values[index]));
  return steps.reduce((sum, step) => sum + step, 0) / steps.length;
}
