"""The texts of make_tokenizer_goldens.py: what its tokenizers learn from (our own), and what they are asked."""

TRAINING = """
I love this film, it's the best thing that I have seen in years! We loved it too; they'd love it.
The service was slow and the food was cold. I won't come back, and you shouldn't go there either.
Not bad, not good: it was okay, I guess... The ending wasn't what I'd expected, but the acting was great.
Unbelievable! They're selling the same broken product for $1,299.99 and they've never answered my e-mail.
Worst customer service ever. I've been waiting for 3 weeks, called 12 times, and got nothing but excuses.
What a wonderful, heart-warming, beautifully written story; my children and I couldn't stop laughing.
The battery lasts 10 hours, the screen is bright, the keyboard feels good. Highly recommended for students.
Disappointing. The plot is predictable, the characters are flat, and the dialogue is painful to listen to.
@user thanks for nothing :( #fail http://example.com/a?b=c  I'll be cancelling my subscription today
so happy right now :) best birthday ever!!! love you all <3 <3 see you tomorrow at the party
Das Essen war köstlich, aber der Kellner war unfreundlich. Für den Preis hätte ich mehr erwartet!
C'était génial, j'ai adoré l'été à la plage; ça n'a pas été trop cher, et le café était délicieux.
¡Qué película más aburrida! El niño se durmió después de veinte minutos. No volveré mañana.
O serviço não foi bom, mas a comida estava ótima. Não vou voltar tão cedo, obrigado pela atenção.
Фильм мне очень понравился, но конец был слишком грустный. Хорошая игра актёров и музыка.
Η ταινία ήταν υπέροχη και οι ηθοποιοί πολύ καλοί. Το φαγητό όμως ήταν κρύο.
这部电影非常好看，我很喜欢。服务太慢了，食物也不好吃。我不会再来了！
この映画はとても面白かったです。でも、最後は少し悲しかった。サービスが悪い。
이 영화는 정말 재미있었어요. 하지만 서비스가 너무 느렸어요. 다시는 안 갈 거예요.
كان الفيلم رائعا جدا ولكن الطعام كان باردا. لن أعود إلى هناك مرة أخرى.
הסרט היה נהדר אבל האוכל היה קר. לא אחזור לשם שוב, תודה רבה.
यह फिल्म बहुत अच्छी थी, लेकिन खाना ठंडा था। मैं वहाँ फिर नहीं जाऊँगा।
หนังเรื่องนี้ดีมาก แต่อาหารเย็นเกินไป ฉันจะไม่กลับไปอีก
😀 😂 ❤️ 👍🏽 👨‍👩‍👧 🇫🇷 🙃 love it 😍😍 hate it 😡 😭
""".strip().split('\n')
TEXTS = [
    '',
    ' ',
    '   ',
    '\t',
    '\n',
    '\r\n',
    '\u3000',
    '\xa0',
    'a',
    ' a',
    'a ',
    '  a  b  ',
    'love',
    'LOVE',
    'Love it!',
    "I love this film, it's great.",
    "don't won't I'd they've we'll I'm you're he's 'tis 'S 'RE",
    "''s ' s 'll'll",
    'Unbelievably BAD!!! :( :-)',
    'a.b,c;d:e?f!g',
    '$1,299.99 (50% off) #tag @user',
    'http://a.b/c?d=e&f',
    '12345 3.14',
    'x\u00bd\u00b2\u2460\u216b\u0664',
    'caf\u00e9 cafe\u0301 CAF\u00c9',
    'na\u00efve co\u00f6perate',
    '\u1ead \u00e5\u0323 o\u0302\u0323',
    '\u0130stanbul \u0131\u0130 \u00df\u1e9e \u03a3\u03c2\u03c3 \u0149 \u01c5',
    '\ufb01lm \ufb03 \u337f \ufdfa',
    '\uff21\uff22\uff43 \uff76\uff9e\uff76 \u30ac',
    '\u4e2d\u6587\u5f88\u597d',
    'I\u7231\u4f60you',
    '\U00020000\U0002b820\U0002b920 \u3400',
    '\u3053\u306e\u6620\u753b\u306f\u304b\u3099',
    '\ud55c\uad6d\uc5b4 \u1112\u1161\u11ab',
    '\u043b\u044e\u0431\u043b\u044e \u0424\u0438\u043b\u044c\u043c \u0439\u0438\u0306',
    '\u0627\u0644\u0641\u064a\u0644\u0645 \u0643\u0627\u0646 \u064e\u064b',
    '\u05d4\u05b8\u05e1\u05e8\u05d8 \u200fabc',
    '\u092f\u0939 \u0915\u094d\u0937 \u0939\u093f\u0928\u094d\u0926\u0940',
    '\u0e2b\u0e19\u0e31\u0e07\u0e14\u0e35\u0e21\u0e32\u0e01',
    '\U0001f600',
    'ok \U0001f44d\U0001f3fd!',
    '\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466',
    '\U0001f1eb\U0001f1f7\U0001f1e9\U0001f1ea',
    '\u2764\ufe0f<3',
    'a\u200db\u200cc\u200bd',
    'soft\u00adhyphen',
    '\ufeffbom',
    'a\ufffdb',
    'a\ufffeb\uffff',
    '\U0010ffff\ue000',
    'a\u0000b',
    'a\u0007b\u001bc\u007fd',
    'a\u0085b\u2028c\u2029d',
    'a\u000bb\u000cc\u001cd',
    'tab\tnew\nline\rend',
    'word\u202eright\u202c',
    '\u0301',
    ' \u0301a',
    'e' + '\u0301' * 20,
    'a' * 101,
    '\u00e9' * 100,
    'lovelovelovelovelovelovelovelovelovelovelove',
    'ab' * 25,
    ' ' * 20 + 'x' + ' ' * 20,
    '!' * 30,
    '\u2581love\u2581 \u2581',
    '\u0120love \u010a',
    '[CLS] love [SEP]',
    'a[MASK]b',
    'a [MASK] b',
    '[mask] [UNK][PAD]',
    '<s>love</s>',
    'a <mask> b',
    'a<mask>b<mask>',
    '<unk><pad> <mask>',
    '<0x0A>\n',
    '##ing ing',
    'very very very very good good good',
    '-lrb- -- ---',
    'e-mail',
    '\u2014 \u2026 \u201cq\u201d \u00bfq? \u00a1a!',
    'C\'\u00e9tait g\u00e9nial, j\'ai ador\u00e9',
    'user_name snake_case',
    'x86-64 v2.0',
    '\u00a92024 \u2122 \u00ae',
    '\u2260 =\u0338 \u212b \u212a \u2126',
]
