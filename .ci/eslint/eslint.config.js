// The scripts run in browsers only. plotly.js is put before those that draw (ui/shared/plotly.js),
// face_diagram.js before those that show a drawn face, and minute.js before charts.js.
import js from "@eslint/js";
import globals from "globals";

export default [
  js.configs.recommended,
  {
    languageOptions: { globals: globals.browser },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: { eqeqeq: "error", "no-var": "error", "prefer-const": "error" },
  },
  {
    files: [
      "fer_core/ui/shared/plotly.js",
      "fer_core/ui/shared/chart_copy.js",
      "fer_core/ui/shared/clock.js",
      "fer_core/ui/shared/face_diagram.js",
      "fer_core/ui/live/minute.js",
    ],
    languageOptions: { sourceType: "script" },
    rules: { "no-unused-vars": ["error", { vars: "local" }] },
  },
  {
    files: ["fer_core/ui/shared/session_chart.js"],
    languageOptions: { globals: { copyOrSave: "readonly" } },
  },
  {
    files: ["fer_core/ui/shared/session_chart.js", "fer_core/ui/video/film.js"],
    languageOptions: { globals: { clock: "readonly" } },
  },
  {
    files: ["fer_core/ui/live/charts.js", "fer_core/ui/shared/session_chart.js"],
    languageOptions: { globals: { loadPlotly: "readonly", themed: "readonly" } },
  },
  {
    files: ["fer_core/ui/live/charts.js", "fer_core/ui/shared/face_diagrams.js"],
    languageOptions: { globals: { makeDiagram: "readonly", fillDiagram: "readonly" } },
  },
  {
    files: ["fer_core/ui/live/charts.js"],
    languageOptions: { globals: { drawRibbon: "readonly", drawMultiples: "readonly" } },
  },
];
