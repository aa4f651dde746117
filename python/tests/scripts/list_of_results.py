from valence import pipeline

classifier = pipeline("sentiment-analysis", device=-1)
results = classifier(["We are very happy with it.", "We hope you don't hate it."])
for result in results:
    print(f"label: {result['label']}, with score: {round(result['score'], 4)}")
assert [set(result) for result in results] == [{"label", "score"}] * 2
