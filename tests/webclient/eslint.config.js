import js from "@eslint/js";
import globals from "globals";

export default [
  js.configs.recommended,
  {
    languageOptions: { ecmaVersion: 2024, globals: { ...globals.browser, ...globals.worker } },
    rules: {
      "no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      eqeqeq: "error",
      "no-var": "error",
      "prefer-const": ["error", { destructuring: "all" }],
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-restricted-properties": [
        "error",
        { property: "innerHTML", message: "what comes from elsewhere is shown as text (dom.js)" },
        { property: "outerHTML", message: "what comes from elsewhere is shown as text (dom.js)" },
        { property: "insertAdjacentHTML", message: "what comes from elsewhere is shown as text (dom.js)" },
      ],
    },
  },
  { files: ["**/*.mjs"], languageOptions: { globals: globals.node } },
];
