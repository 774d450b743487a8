// A page that nobody stands before could not be shown: try again once the server answers, and not before, since a browser
// that was led to a server that is away shows a page of its own and stays there.
"use strict";
setInterval(async () => {
  try {
    const answer = await fetch("/health/live", { cache: "no-store", signal: AbortSignal.timeout(4000) });
    if (answer.ok) location.reload();
  } catch {
    // not yet
  }
}, 8000);
