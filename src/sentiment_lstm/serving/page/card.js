// The dialog with the model card.

import { byId, element } from "./dom.js";
import { fetchWithKey } from "./key.js";
import { rendered } from "./markdown.js";

// Shows the card that lies at `address`. It is fetched once for each address.
export async function showCard(address) {
  byId("card").showModal();
  const text = byId("card-text");
  if (text.dataset.address === address.href) return;
  text.dataset.address = address.href;
  try {
    const answer = await fetchWithKey(address);
    if (!answer.ok) throw new Error("This model has no card.");
    text.replaceChildren(...rendered(await answer.text()));
  } catch (error) {
    delete text.dataset.address;
    text.replaceChildren(element("p", {}, error.message));
  }
}
