// How to take this row along: a link to it, and the calls that ask an API the same.

import { readFragment, writeFragment } from "./link.js";
import { make } from "./page-dom.js";
import { showNotes } from "./page.js";
import { SNIPPETS } from "./snippets.js";

/**
 * Shows the link and the calls, and follows links that are opened in this very page.
 *
 * @type {import("./context.js").Mount}
 */
export function mount(section, context) {
  section.replaceChildren(
    make("h2", { id: "share-title" }, "Take this row along"),
    make(
      "p",
      { class: "lead" },
      "The link holds the inputs after its # sign: browsers do not send that part to any server.",
    ),
    linkParts(context),
    ...snippetParts(context),
  );
  addEventListener("hashchange", () => {
    const { row, notes } = readFragment(context.contract, location.hash);
    showNotes(notes);
    context.setRow(row);
  });
}

/** @param {import("./context.js").Context} context */
function linkParts({ row }) {
  const button = make("button", { type: "button", class: "primary", id: "copy-link" }, "Copy a link to this row");
  button.addEventListener("click", () => {
    history.replaceState(null, "", `#${writeFragment(row())}`);
    void copy(button, location.href, "Copy it from the address bar");
  });
  return make("p", { class: "actions" }, button);
}

/** @param {import("./context.js").Context} context */
function snippetParts({ api, onChange, row }) {
  let [chosen] = SNIPPETS;
  const code = make("code", { id: "snippet" });
  const show = () => (code.textContent = chosen.write(api, row()));
  const choices = SNIPPETS.map((snippet) => {
    const button = make(
      "button",
      { type: "button", class: "tab", "aria-pressed": String(snippet === chosen) },
      snippet.name,
    );
    button.addEventListener("click", () => {
      chosen = snippet;
      for (const choice of choices) choice.setAttribute("aria-pressed", String(choice === button));
      show();
    });
    return button;
  });
  const button = make("button", { type: "button", class: "quiet", id: "copy-snippet" }, "Copy");
  button.addEventListener("click", () => void copy(button, code.textContent ?? "", "Not allowed here"));
  onChange(show);
  return [
    make(
      "p",
      { class: "lead" },
      "Where ",
      make("code", {}, "selfsame serve"),
      " or the Function URL stands behind this address, it answers the same:",
    ),
    make(
      "div",
      { class: "tabs" },
      make("div", { role: "group", "aria-label": "Language", class: "choices" }, ...choices),
      button,
    ),
    make("pre", { tabindex: "0" }, code),
  ];
}

/** @param {HTMLButtonElement} button says how it went. @param {string} text @param {string} otherwise */
async function copy(button, text, otherwise) {
  const words = button.textContent;
  button.textContent = await navigator.clipboard.writeText(text).then(
    () => "Copied",
    () => otherwise,
  );
  setTimeout(() => (button.textContent = words), 2000);
}
