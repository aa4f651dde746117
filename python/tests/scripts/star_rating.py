from valence import pipeline

# As scripts around star-rating models do it: the label is looked up in a table of their own.
STARS = {"negative": 1, "neutral": 3, "positive": 5}
classifier = pipeline("sentiment-analysis", model_kwargs={"torch_dtype": "auto"}, trust_remote_code=False, framework="pt")
outcome = {text: STARS[classifier(text, top_k=1)[0]["label"]] for text in ("I love it", "I hate it")}
print(outcome)
assert outcome == {"I love it": 5, "I hate it": 1}
