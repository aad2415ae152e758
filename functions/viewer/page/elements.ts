/** Makes and finds elements. What comes from data enters as text and attributes only, never as markup. */
type Attributes = Record<string, string | boolean | undefined>;

/** An element with attributes (true is an empty one, false and undefined none) and children. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, '');
    else if (typeof value === 'string') made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/** A line icon drawn in a 24 by 24 box. */
export function icon(path: string): SVGSVGElement {
  const namespace = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(namespace, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  const line = document.createElementNS(namespace, 'path');
  line.setAttribute('d', path);
  svg.append(line);
  return svg;
}

/** The element of this id in the page, which must be of this class. */
export function byId<E extends Element>(id: string, kind: new () => E): E {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`The page has no ${kind.name} with id ${id}.`);
  return found;
}

/**
 * Makes `wanted` the children of `parent`, in order. Elements that stay are not touched unless they must move, so
 * that focus, playback and scroll position stay with them.
 */
export function arrange(parent: Element, wanted: Element[]): void {
  const keep = new Set<Element>(wanted);
  for (const child of [...parent.children]) {
    if (!keep.has(child)) child.remove();
  }
  let next = parent.firstElementChild;
  for (const child of wanted) {
    if (child === next) next = next.nextElementSibling;
    else parent.insertBefore(child, next);
  }
}

/** Shows text, or hides the element when there is none. Unchanged text is not set again: it would be read out. */
export function showText(target: HTMLElement, text: string | undefined): void {
  target.hidden = text === undefined;
  if (target.textContent !== (text ?? '')) target.textContent = text ?? '';
}
