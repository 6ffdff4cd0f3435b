// What tools/lint looks for in JavaScript: names that are not there, or not used, and slips.
const globals = Object.fromEntries(
  (
    "atob btoa caches clients clearTimeout console crypto fetch getComputedStyle history location " +
    "matchMedia navigator performance postMessage process addEventListener skipWaiting setTimeout " +
    "requestAnimationFrame devicePixelRatio document pad axe Blob Buffer FileReader HTMLAnchorElement " +
    "ImageData IntersectionObserver MediaRecorder OffscreenCanvas ResizeObserver Response TextDecoder " +
    "TextEncoder URL WebAssembly Worker Event DOMParser parent removeEventListener window"
  )
    .split(" ")
    .map((name) => [name, "readonly"]),
);

export default [
  {
    files: ["**/*.js", "**/*.mjs"],
    languageOptions: { ecmaVersion: 2022, sourceType: "module", globals },
    rules: {
      "no-undef": "error",
      "no-unused-vars": "error",
      "no-const-assign": "error",
      "no-dupe-keys": "error",
      "no-dupe-else-if": "error",
      "no-fallthrough": "error",
      "no-redeclare": "error",
      "no-self-assign": "error",
      "no-unreachable": "error",
      "no-unsafe-finally": "error",
      "no-unused-private-class-members": "error",
      "no-var": "error",
      "prefer-const": "error",
      "eqeqeq": "error",
      "getter-return": "error",
      "use-isnan": "error",
      "valid-typeof": "error",
    },
  },
];
