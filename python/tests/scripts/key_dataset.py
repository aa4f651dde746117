from valence import pipeline


class KeyDataset:
    """As transformers.pipelines.pt_utils has it."""

    def __init__(self, dataset, key):
        self.dataset, self.key = dataset, key

    def __len__(self):
        return len(self.dataset)

    def __getitem__(self, i):
        return self.dataset[i][self.key]


dataset = [{"text": f"good number {k}", "label": 1} for k in range(100)]
pipe = pipeline("sentiment-analysis", device=None)
labels = [out["label"] for out in pipe(KeyDataset(dataset, "text"), batch_size=32, truncation="only_first")]
assert len(labels) == 100
