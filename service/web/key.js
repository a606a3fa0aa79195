"use strict";
// Requests that carry the reader's key, and the question for one where the service wants it.

function keptKey(value) {
  try {
    if (value !== undefined) localStorage.setItem("key", value);
    return localStorage.getItem("key") || "";
  } catch {
    return value || ""; // storage may be forbidden; then the key holds for one request
  }
}

function askForKey(wrong) {
  return new Promise((resolve) => {
    const dialog = document.createElement("dialog");
    const form = document.createElement("form");
    const label = document.createElement("label");
    const field = document.createElement("input");
    const button = document.createElement("button");
    label.textContent = wrong ? "密钥不对,请重新输入。 That key is not taken; enter another." :
      "访问需要密钥。 A key is needed.";
    field.type = "password";
    field.autocomplete = "off";
    field.pattern = "[!-~]+";
    field.required = true;
    button.textContent = "确定 OK";
    label.append(field);
    form.append(label, button);
    dialog.append(form);
    document.body.append(dialog);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      dialog.close(field.value.trim());
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue);
    });
    dialog.showModal();
  });
}

let asking = null; // two requests that are turned away at once ask once

// As fetch; a reply of 401 comes back only where the reader gives no key.
async function call(path, options = {}) {
  let key = keptKey();
  for (;;) {
    const headers = key ? { ...options.headers, Authorization: `Bearer ${key}` } : options.headers;
    const response = await fetch(path, { ...options, headers });
    if (response.status !== 401) return response;
    asking = asking || askForKey(Boolean(key)).finally(() => { asking = null; });
    const given = await asking;
    if (!given) return response;
    key = given;
    keptKey(given);
  }
}
