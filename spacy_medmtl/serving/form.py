"""The page to paste a note. It talks to its own service only."""

FORM = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>spacy-medmtl</title>
<style>
body{max-width:62rem;margin:0 auto;padding:.75rem;font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
textarea{width:100%;box-sizing:border-box;font:inherit;padding:.5rem}
button.read{font:inherit;padding:.4rem 1.2rem;margin:.5rem 0}
button:focus-visible,textarea:focus-visible,a:focus-visible{outline:3px solid #d55e00}
@media (prefers-color-scheme:dark){body{background:#111;color:#ececec}a{color:#9ccdf0}}
</style></head><body>
<main><h1>Read a note</h1>
<form id="form"><label for="text">Text of the note</label>
<textarea id="text" rows="10" required>No fever, but my left knee hurts.</textarea>
<button class="read">Read</button></form>
<p id="state" role="status"></p><div id="found"></div>
<p><a href="docs">The interface for programs (OpenAPI)</a></p></main>
<script>
const form = document.getElementById("form"), state = document.getElementById("state");
form.addEventListener("submit", async event => {
  event.preventDefault();
  state.textContent = "Reading ...";
  try {
    const body = JSON.stringify({text: document.getElementById("text").value});
    const answer = await fetch("view", {method: "POST", headers: {"Content-Type": "application/json"}, body});
    if (!answer.ok) throw new Error((await answer.json()).detail);
    document.getElementById("found").innerHTML = await answer.text();
    const n = document.querySelectorAll("#found button.label").length;
    state.textContent = `${n} found; the note follows.`;
  } catch (error) { state.textContent = error.message; }
});
</script></body></html>
"""
