// Keeps the page and the model on this device through the service worker, and says so; offers newer versions.

import { make, fill } from "./page-dom.js";

/**
 * @param {string | null} name of the bundle to keep; null where the page shows none.
 * @param {() => boolean} isTouched whether somebody works in the page.
 * @returns {Promise<void>} settles when all is kept, or cannot be.
 */
export async function keepOffline(name, isTouched) {
  if (!("serviceWorker" in navigator)) return; // the address is not a secure one
  const workers = navigator.serviceWorker;
  const again = workers.controller !== null;
  try {
    const registration = await workers.register("sw.js", { updateViaCache: "none" });
    if (again) {
      offerUpdates(registration, isTouched);
      registration.update().catch(() => null); // there is no network: nothing is newer
    }
    const { active } = await workers.ready;
    if (name === null || active === null) return;
    const answer = await ask(active, name);
    say(
      answer === "kept"
        ? "Kept on this device: the page and this model work without a network."
        : `Not kept for use without a network: ${answer}. Load the page again to try once more.`,
      answer === "kept" ? "kept" : "failed",
    );
  } catch (error) {
    say(`Not kept for use without a network: ${error instanceof Error ? error.message : error}`, "failed");
  }
}

/** @param {ServiceWorker} worker @param {string} name @returns {Promise<string>} */
function ask(worker, name) {
  const { port1, port2 } = new MessageChannel();
  worker.postMessage({ keep: name }, [port2]);
  return new Promise((resolve) => (port1.onmessage = ({ data }) => resolve(data)));
}

/**
 * A newer version replaces a page that nobody has touched yet at once; else it waits for its button.
 *
 * @param {ServiceWorkerRegistration} registration @param {() => boolean} isTouched
 */
function offerUpdates(registration, isTouched) {
  navigator.serviceWorker.addEventListener("controllerchange", () => location.reload());
  /** @param {ServiceWorker} worker */
  const offer = (worker) => {
    const update = () => worker.postMessage("update");
    if (!isTouched()) return update();
    const button = make("button", { type: "button", class: "quiet" }, "Load it");
    button.addEventListener("click", update);
    fill("update", "A newer version of this page is here. ", button);
  };
  const watch = () => {
    const worker = registration.installing;
    worker?.addEventListener("statechange", () => {
      if (worker.state === "installed") offer(worker);
    });
  };
  if (registration.waiting !== null) offer(registration.waiting);
  watch();
  registration.addEventListener("updatefound", watch);
}

/** @param {string} words @param {"kept" | "failed"} state */
function say(words, state) {
  fill("offline", words).dataset.state = state;
}
