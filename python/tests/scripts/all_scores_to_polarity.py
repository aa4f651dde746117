from valence import pipeline

pipe = pipeline("text-classification", top_k=None)
texts = ["I love the screen, it is wonderful!", "I hate the awful battery."]
polarities = []
for scores in pipe(texts):
    by_label = {entry["label"]: entry["score"] for entry in scores}
    polarities.append(by_label["positive"] - by_label["negative"])
print(polarities)
assert polarities[0] > 0 > polarities[1]
