from valence import pipeline

classifier = pipeline("sentiment-analysis")
result = classifier("We are very happy to show you the new library.")[0]
print(f"label: {result['label']}, with score: {round(result['score'], 4)}")
assert result["label"] == "positive"
