// What all pages have: language and theme.

import { byId } from "./dom.js";
import { language, say, speak } from "./words.js";

const dark = matchMedia("(prefers-color-scheme: dark)");
const root = document.documentElement;
const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);

function themeButton() {
  say(byId("theme"), isDark() ? "light" : "dark");
  byId("theme").setAttribute("aria-pressed", isDark());
}

byId("theme").addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  prefs.set("theme", root.dataset.theme);
  themeButton();
});
dark.addEventListener("change", themeButton);
byId("language").addEventListener("click", () => {
  speak(language() === "zh" ? "en" : "zh");
  byId("language").lang = language() === "zh" ? "en" : "zh-CN";
  dispatchEvent(new Event("spoken"));
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address says which part is shown
  document.querySelector("main").focus();
});
byId("language").lang = language() === "zh" ? "en" : "zh-CN";
themeButton();
speak();
