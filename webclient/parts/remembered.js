// A choice that this browser remembers.

// name: what it is called in the browser's storage; choices: all there are, the first is taken when none has been made;
// null for any text, and none at first.
export function remembered(name, choices) {
  const key = `tsgateway.${name}`;
  let value = choices ? choices.find((choice) => String(choice) === stored(key)) ?? choices[0] : stored(key) ?? "";
  return {
    get value() {
      return value;
    },
    set value(chosen) {
      value = chosen;
      try {
        localStorage.setItem(key, String(chosen));
      } catch {
        // Storage is full or forbidden: the choice then holds for this page.
      }
    },
  };
}

function stored(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}
