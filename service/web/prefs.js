"use strict";
// Language and theme, set before anything is painted. Kept in the browser where that is allowed.

const prefs = {
  get(name) {
    try {
      return localStorage.getItem(name);
    } catch {
      return null; // storage may be forbidden
    }
  },
  set(name, value) {
    try {
      localStorage.setItem(name, value);
    } catch {
      // it holds for this page only
    }
  },
};

{
  const root = document.documentElement;
  const asked = new URLSearchParams(location.search).get("lang");
  const language = ["zh", "en"].includes(asked) ? asked : prefs.get("language");
  root.lang = language === "en" ? "en" : "zh-CN";
  const theme = prefs.get("theme");
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
}
