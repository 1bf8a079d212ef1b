// Whether somebody has touched this page yet, watched from its first moment on.

let touched = false;
for (const kind of ["pointerdown", "keydown"]) {
  addEventListener(kind, () => (touched = true), { once: true, capture: true, passive: true });
}

/** @returns {boolean} */
export function isTouched() {
  return touched;
}
