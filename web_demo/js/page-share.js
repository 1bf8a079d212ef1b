// How to ask the same row elsewhere.

import { writeRow } from "./json.js";
import { make } from "./page-dom.js";

/**
 * Shows the call that answers the same row over HTTP.
 *
 * @type {import("./context.js").Mount}
 */
export function mount(section, { api, onChange }) {
  const code = make("code", { id: "curl" });
  const button = make("button", { type: "button", class: "quiet" }, "Copy");
  button.addEventListener("click", async () => {
    const copied = navigator.clipboard.writeText(code.textContent ?? "");
    button.textContent = await copied.then(
      () => "Copied",
      () => "Not allowed here",
    );
    setTimeout(() => (button.textContent = "Copy"), 1500);
  });
  section.replaceChildren(
    make("div", { class: "panel-head" }, make("h2", { id: "share-title" }, "The same row over HTTP"), button),
    make(
      "p",
      { class: "lead" },
      "Where ",
      make("code", {}, "selfsame serve"),
      " or the Function URL stands behind this address, it answers the same.",
    ),
    make("pre", { tabindex: "0" }, code),
  );
  onChange((row) => {
    const body = writeRow(row).replaceAll("'", "'\\''");
    code.textContent = `curl -s '${api}/predict' -H 'content-type: application/json' -d '${body}'`;
  });
}
