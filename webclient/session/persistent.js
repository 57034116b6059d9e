// Asks until there is an answer, over a line that may be dead.
//
// A request that was sent into a dead line is repeated by the system after 1, 3, 7 … seconds: long after the line is
// mended. So the question is put again, on a connection of its own. Of all requests the first and the newest are
// kept: on a slow line the first one is answered, however slow; on a mended one, the newest.

export const ASK_AGAIN = 1500; // ms

// ask(signal) → promise; `isFinal(error)` tells whether it makes no sense to ask again. within: ms, after which the
// last requests are dropped. → the first answer, or the first final error, or the error when none is left.
export function persistent(ask, { isFinal, within, clock }) {
  const open = [];
  const until = clock.now() + within;
  let timer = null;
  return new Promise((resolve, reject) => {
    const end = (settle, value) => {
      clock.clearTimeout(timer);
      for (const request of open.splice(0)) request.abort();
      settle(value);
    };
    const failed = (request, error) => {
      const at = open.indexOf(request);
      if (at < 0) return; // it was dropped
      open.splice(at, 1);
      if (isFinal(error) || open.length === 0) end(reject, error);
    };
    const begin = () => {
      if (clock.now() >= until) return end(reject, new Error("no answer"));
      if (open.length > 1) open.pop().abort();
      const request = new AbortController();
      open.push(request);
      timer = clock.setTimeout(begin, ASK_AGAIN);
      ask(request.signal).then((answer) => end(resolve, answer), (error) => failed(request, error));
      return undefined;
    };
    begin();
  });
}
