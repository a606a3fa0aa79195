// Rebuilding the index, with a bar that lives.

import { events, json, sleep, trouble } from "./api.js";
import { byId } from "./dom.js";
import { refresh } from "./documents.js";
import { say, word } from "./words.js";

const PATIENCE = [2, 4, 8, 16, 30]; // seconds until a stream that broke off is taken up again

const box = byId("job");
const bar = byId("job-bar");
let job = null;
let following = false;

const time = (seconds) => (seconds < 90 ? word("seconds", Math.ceil(seconds)) : word("minutes", Math.round(seconds / 60)));

function draw() {
  const { state, progress, result } = job;
  const running = runs();
  byId("job-cancel").hidden = !running;
  for (const id of ["update", "full"]) byId(id).ariaDisabled = running; // disabled ones would lose the focus
  bar.hidden = !running;
  const detail = [];
  if (running) {
    say(byId("job-what"), "rebuilding");
    if (progress.total) {
      bar.max = progress.total;
      bar.value = progress.done;
      detail.push(word("progress", progress.done, progress.total));
      if (progress.rate) detail.push(word("rate", progress.rate.toFixed(progress.rate < 10 ? 1 : 0)));
      if (progress.eta !== null) detail.push(word("eta", time(progress.eta)));
    } else {
      bar.removeAttribute("value");
      if (state === "queued") detail.push(word("queued"));
    }
  } else if (state === "done") {
    say(byId("job-what"), "rebuilt");
    const names = word("results");
    for (const [name, number] of Object.entries(result ?? {})) if (number) detail.push(`${names[name] ?? name} ${number}`);
  } else {
    say(byId("job-what"), state === "cancelled" ? "rebuildCancelled" : "rebuildFailed");
  }
  for (const fault of job.errors.slice(0, 5)) detail.push([fault.id, fault.detail].filter(Boolean).join(word("colon")));
  byId("job-detail").textContent = detail.join(word("list"));
  box.hidden = false;
}

const runs = () => job.state === "queued" || job.state === "running";

async function follow(found) {
  if (following) return;
  following = true;
  job = found;
  draw();
  try {
    for (let tries = 0; runs(); ) {
      try {
        for await (const [name, data] of events(`jobs/${encodeURIComponent(job.id)}/events`)) {
          if (name === "error") throw new Error(data.detail);
          [job, tries] = [data, 0];
          draw();
        }
        if (runs()) throw new TypeError("the stream broke off");
      } catch (error) {
        byId("job-detail").replaceChildren(trouble(error));
        if (error.status < 500 || tries === PATIENCE.length) return; // it will not get better
        await sleep(PATIENCE[tries]);
        tries += 1;
      }
    }
    await refresh();
  } finally {
    following = false;
    for (const id of ["update", "full"]) byId(id).ariaDisabled = false;
  }
}

async function begin(full) {
  if (following) return;
  try {
    follow(await json("POST", "index/rebuild", { full }));
  } catch (error) {
    delete byId("job-what").dataset.say;
    byId("job-what").textContent = "";
    byId("job-detail").replaceChildren(trouble(error));
    bar.hidden = byId("job-cancel").hidden = true;
    box.hidden = false;
  }
}

// Follows what is running already, begun here before a reload or elsewhere.
export async function resume() {
  const { jobs } = await json("GET", "jobs");
  const running = jobs.find(({ kind, state }) => kind === "rebuild" && (state === "running" || state === "queued"));
  if (running) follow(running);
}

byId("update").addEventListener("click", () => begin(false));
byId("full").addEventListener("click", () => begin(true));
byId("job-cancel").addEventListener("click", () => {
  json("DELETE", `jobs/${encodeURIComponent(job.id)}`).catch((error) => byId("job-detail").replaceChildren(trouble(error)));
});
addEventListener("spoken", () => job && draw());
