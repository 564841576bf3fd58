// Texts to try: each shows something that a list of good and bad words gets wrong.

export const EXAMPLES = [
  { name: "A turn", text: "The first hour drags and I nearly gave up. Then the old sailor starts to talk, and suddenly nothing else matters. I cried twice and I would watch it again tonight." },
  { name: "But", text: "The food was great, but the service was terrible." },
  { name: "Not bad", text: "It was not bad at all." },
  { name: "A question, answered", text: "Best movie ever? I don't think so." },
  { name: "A fact", text: "The train leaves at nine." },
  { name: "A mixed review", text: "I wanted to love this hotel. The room was spotless and the staff could not have been kinder, but the music from the bar kept us awake until three, and nobody did anything about it. Never again." },
  { name: "Another language", text: "Das Essen war kalt und der Kellner unfreundlich." },
];
