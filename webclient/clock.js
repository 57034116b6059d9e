// The browser's clock and timers, for what is given them and knows no others; tests give their own.

export const clock = {
  now: () => performance.now(),
  setTimeout: (action, delay) => setTimeout(action, delay),
  clearTimeout: (timer) => clearTimeout(timer),
};
