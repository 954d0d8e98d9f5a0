"use strict";

// What the server said last; null before.
let state = null;
let classes = [];
// A request is under way: a second key must not answer the next picture.
let busy = false;

const element = (id) => document.getElementById(id);

function make(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  // Never as HTML: it may be the name of a file or a folder.
  made.textContent = text;
  return made;
}

async function request(path, body) {
  if (busy) return;
  busy = true;
  try {
    const options = body === undefined ? {} : {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    };
    const response = await fetch(path, options);
    const answer = await response.json();
    complain(answer.error, answer.changed);
    return { answer, ok: response.ok };
  } catch {
    complain("artkd label cannot be reached: start it again. What you answered"
      + " before is saved.");
  } finally {
    busy = false;
  }
}

function complain(text, changed) {
  const place = element("problem");
  place.replaceChildren();
  if (!text) return;
  place.append(make("p", "problem", text));
  if (!changed) return;
  const button = make("button", "", "Go on with the file as it is now");
  button.type = "button";
  button.addEventListener("click", reload);
  place.append(button);
}

// Sends an answer, and shows what comes next.
async function send(path, body, words) {
  const result = await request(path, body);
  if (!result) return;
  if (result.ok || result.answer.total !== undefined) show(result.answer);
  if (!result.ok) return;
  element("said").textContent =
    `${words} ${element("progress-text").textContent}.`;
  // Away from the button, which the space bar would press again.
  const title = state.picture ? "question" : "over-title";
  element(title).focus({ preventScroll: true });
  window.scrollTo(0, 0);
}

function answer(choice, words) {
  if (state && state.picture) {
    send("answer", { picture: state.picture.number, choice }, words);
  }
}

const choose = (number) => answer(number, `Saved: ${classes[number]}.`);
const leaveOut = () => answer("none", "Saved: left out.");
const skip = () => answer("skip", "Skipped.");

function undo() {
  if (state && state.can_undo) send("undo", {}, "Taken back.");
}

async function reload() {
  const result = await request("reload", {});
  if (!result || !result.ok) return;
  const { restored, lost } = result.answer;
  show(result.answer);
  const parts = ["The file was read again."];
  if (restored) parts.push(`Answers of yours that were put back: ${restored}.`);
  if (lost) parts.push(`Answers where the file now says otherwise, which stays: ${lost}.`);
  element("problem").replaceChildren(make("p", "", parts.join(" ")));
}

async function end() {
  const result = await request("end", {});
  if (!result || !result.ok) return;
  state = null;
  for (const id of ["asking", "over", "end"]) element(id).hidden = true;
  element("then-title").textContent = "Finished. You can close this page";
  element("then-title").tabIndex = -1;
  element("then-title").focus();
}

function percent(share) {
  if (share === null) return "";
  return share > 0 && share < 0.005 ? "<1%" : `${Math.round(100 * share)}%`;
}

function show(next) {
  state = next;
  const count = (number) => number.toLocaleString("en");
  const skipped = state.later ? `, ${count(state.later)} skipped` : "";
  element("progress-text").textContent =
    `${count(state.done)} of ${count(state.total)} labelled${skipped}`;
  element("progress").max = Math.max(1, state.total);
  element("progress").value = state.done;
  element("asking").hidden = !state.picture;
  element("over").hidden = Boolean(state.picture);
  element("again").hidden = !state.later;
  element("undo").disabled = !state.can_undo;
  element("undo-last").hidden = !state.can_undo;
  if (state.picture) showPicture(state.picture);
  if (state.next !== null) new Image().src = `picture/${state.next}`;
}

function showPicture(picture) {
  const image = element("picture");
  image.classList.add("waiting");
  image.hidden = false;
  element("no-picture").hidden = true;
  image.src = `picture/${picture.number}`;
  image.alt = `The picture ${picture.name}`;
  element("name").textContent = picture.name;
  // The heading is read aloud when an answer moves the focus to it.
  element("question").ariaLabel = `What is it? ${picture.name}`;
  element("guesses").replaceChildren(...picture.guesses.map(guessButton));
  if (element("others")) {
    element("others").open = false;
    element("search").value = "";
    search();
  }
}

function guessButton(guess, place) {
  const button = document.createElement("button");
  button.type = "button";
  button.setAttribute("aria-keyshortcuts", String(place + 1));
  button.append(
    make("kbd", "", String(place + 1)),
    make("span", "class", classes[guess.class]),
    make("span", "share", percent(guess.share)),
  );
  button.style.setProperty("--share", `${100 * (guess.share ?? 0)}%`);
  button.addEventListener("click", () => choose(guess.class));
  const item = document.createElement("li");
  item.append(button);
  return item;
}

// Classes that are searched for, but the guesses.
function search() {
  const words = element("search").value.trim().toLowerCase();
  const guessed = new Set(state.picture.guesses.map((guess) => guess.class));
  const items = [];
  classes.forEach((name, number) => {
    if (guessed.has(number) && !words) return;
    if (!name.toLowerCase().includes(words)) return;
    const button = make("button", "", name);
    button.type = "button";
    button.addEventListener("click", () => choose(number));
    const item = document.createElement("li");
    item.append(button);
    items.push(item);
  });
  element("found").replaceChildren(...items);
}

function openSearch() {
  element("others").open = true;
  element("search").focus();
}

function press(event) {
  if (!state || event.repeat || event.altKey || event.metaKey) return;
  const typing = event.target.matches("input[type=search]");
  if (typing) {
    if (event.key === "Escape") {
      element("others").open = false;
      element("question").focus();
    }
    if (event.key === "Enter" && element("search").value.trim()) {
      element("found").querySelector("button")?.click();
    }
    return;
  }
  if (event.ctrlKey) {
    if (event.key.toLowerCase() === "z") act(event, undo);
    return;
  }
  if (!element("by-keys").checked) return;
  if (event.key >= "1" && event.key <= "9" && event.key.length === 1) {
    const guess = state.picture?.guesses[Number(event.key) - 1];
    if (guess) act(event, () => choose(guess.class));
  } else if (event.key === "0") {
    act(event, leaveOut);
  } else if (event.key === "ArrowRight") {
    act(event, skip);
  } else if (event.key === " ") {
    // It presses buttons, ticks and opens.
    if (!event.target.closest("button, input, summary")) act(event, skip);
  } else if (event.key.toLowerCase() === "u") {
    act(event, undo);
  } else if (event.key === "/" && element("others") && state.picture) {
    act(event, openSearch);
  }
}

function act(event, action) {
  event.preventDefault();
  action();
}

async function begin() {
  element("picture").addEventListener("load", () => {
    element("picture").classList.remove("waiting");
  });
  element("picture").addEventListener("error", () => {
    element("picture").hidden = true;
    element("no-picture").hidden = false;
  });
  element("none").addEventListener("click", leaveOut);
  element("skip").addEventListener("click", skip);
  element("undo").addEventListener("click", undo);
  element("undo-last").addEventListener("click", undo);
  element("again").addEventListener("click", () => send("again", {}, ""));
  element("end").addEventListener("click", end);
  element("search")?.addEventListener("input", search);
  document.addEventListener("keydown", press);
  const result = await request("state");
  if (!result || !result.ok) return;
  classes = result.answer.classes;
  show(result.answer);
}

begin();
