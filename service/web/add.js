// Adding documents: files, dropped or chosen, and pasted text.

import { headers, json, newKey, patience, sleep, trouble } from "./api.js";
import { announce, at, byId, closesBeside, h, quoted } from "./dom.js";
import { added, refresh, stats } from "./documents.js";
import { say } from "./words.js";

const dialog = byId("add-dialog");
const uploads = byId("uploads");
let waiting = Promise.resolve(); // files go one after the other: the service writes one at a time

function send(file, progress) {
  return new Promise((resolve, reject) => {
    // fetch does not tell how much of a body has been sent.
    const request = new XMLHttpRequest();
    request.open("POST", at("documents"));
    for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => event.lengthComputable && progress(event.loaded / event.total));
    request.addEventListener("load", () => resolve(request));
    request.addEventListener("error", () => reject(new TypeError("no connection")));
    const form = new FormData();
    form.append("file", file);
    request.send(form);
  });
}

async function upload(file, state, bar, tries = 0) {
  const request = await send(file, (share) => {
    bar.value = share;
    if (share < 1) say(state, "sending", Math.floor(100 * share));
    else {
      bar.removeAttribute("value"); // it is being read; how long that takes nobody knows
      say(state, "reading");
    }
  });
  if (request.status === 401 && (await newKey())) return upload(file, state, bar);
  const wait = patience(request.status, request.getResponseHeader("Retry-After"), tries);
  if (wait !== null) {
    await sleep(wait);
    return upload(file, state, bar, tries + 1);
  }
  let reply = {};
  try {
    reply = JSON.parse(request.responseText);
  } catch {
    reply = { detail: `${request.status} ${request.statusText}` };
  }
  if (request.status >= 400) throw Object.assign(new Error(reply.detail), { status: request.status });
  return [request.status, reply];
}

function take(files) {
  for (const file of files) {
    const state = h("span", { say: "waiting" });
    const bar = h("progress", { max: 1, value: 0 });
    bar.setAttribute("aria-label", file.name);
    const item = h("li.upload", {}, quoted("bdi.file", file.name), bar, state);
    uploads.append(item);
    waiting = waiting.then(() => one(file, item, state, bar)).then(() => announce(`${file.name}: ${state.textContent}`));
  }
}

async function one(file, item, state, bar) {
  try {
    const [status, reply] = await upload(file, state, bar);
    if ("refused" in reply) {
      say(state, "zipDone", reply.added, reply.unchanged, reply.refused.length);
      const refused = reply.refused.slice(0, 5).map((each) => h("li", {}, [each.id, each.detail].filter(Boolean).join(": ")));
      if (refused.length) item.append(h("ul.error", {}, ...refused));
      await refresh();
    } else {
      say(state, status === 201 ? "done" : "there");
      added(reply);
      await stats();
    }
    item.classList.add("done");
  } catch (error) {
    delete state.dataset.say;
    state.replaceChildren(trouble(error));
    state.className = "error";
  }
  bar.remove();
}

async function paste(form) {
  const given = Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, value.trim()]));
  const complaint = byId("paste-trouble");
  complaint.hidden = true;
  try {
    if (!given.text) {
      say(complaint, "textNeeded");
      complaint.hidden = false;
      return;
    }
    const body = Object.fromEntries(Object.entries(given).filter(([, value]) => value));
    added(await json("POST", "documents", { ...body, text: form.elements.text.value }));
    form.reset();
    dialog.close();
    await stats();
  } catch (error) {
    delete complaint.dataset.say;
    complaint.replaceChildren(trouble(error));
    complaint.hidden = false;
  }
}

byId("add").addEventListener("click", () => dialog.showModal());
byId("add-close").addEventListener("click", () => dialog.close());
closesBeside(dialog, () => dialog.close());
byId("choose").addEventListener("click", () => byId("file").click());
byId("file").addEventListener("change", () => {
  take(byId("file").files);
  byId("file").value = "";
});
byId("paste-form").addEventListener("submit", (event) => {
  event.preventDefault();
  paste(event.currentTarget);
});

const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
addEventListener("dragover", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault(); // else the browser would open the file in place of the page
  document.body.classList.add("dropping");
});
addEventListener("dragleave", (event) => event.relatedTarget || document.body.classList.remove("dropping"));
addEventListener("drop", (event) => {
  document.body.classList.remove("dropping");
  if (!carriesFiles(event)) return;
  event.preventDefault();
  location.hash = "documents";
  if (!dialog.open) dialog.showModal();
  take(event.dataTransfer.files);
});
