#include "bench_texts.h"

namespace valence::app {
namespace {

// NOLINTBEGIN(bugprone-suspicious-missing-comma): a long text takes several literals.
constexpr std::string_view kTexts[] = {
    "Love it!",
    "Never again.",
    "It is okay.",
    "Best coffee in town, hands down.",
    "The box arrived on Tuesday.",
    "Not bad at all, to be honest :)",
    "why does this app log me out every single day",
    "Five stars for the staff, two for the room.",
    "Broke after a week. Still waiting for the refund.",
    "My daughter will not put it down, so I guess it works!",
    "The update finally fixed the crash on startup, thank you.",
    "Ordered the blue one, got the grey one, kept it anyway.",
    "@service three weeks and no answer, is anybody reading this at all?",
    "Great battery, terrible camera, and the screen is somewhere in between.",
    "I wanted to like this film so much, and then the second half happened.",
    "The meeting has been moved to Thursday at ten, same room as last time.",
    "Honestly the smoothest check-in I have ever had, the keys were ready before I sat down.",
    "Soup was cold, bread was stale, bill was wrong. At least the music was nice.",
    "For the price you cannot complain, but do not expect it to survive a second winter.",
    "Shipping took two days instead of the ten they promised, and everything was packed with care.",
    "They replaced the whole unit without a single question, even though the warranty had ended in March.",
    "Sat next to the kitchen door for two hours, nobody asked whether we wanted another drink.",
    "It does what it says. Nothing more, nothing less, and the manual is only in German.",
    "New album is on repeat since midnight and I am already late for work because of it #worthit",
    "The trail is well marked up to the lake; after that you need a map and dry boots.",
    "Can't believe they cancelled the show after one season, it was the only thing we watched together.",
    "Support told me to reinstall, then to buy the new version, then stopped answering. Ridiculous.",
    "Small, quiet, fast. I put it under the desk in April and have not thought about it since.",
    "Our flight left forty minutes late and still landed early, which I did not know was possible.",
    "The fabric feels cheap, the colour is nothing like the picture, and the zip was stuck from day one.",
    "Quarterly figures were in line with expectations, and the board confirmed the outlook for the year.",
    "Somebody at this bank deserves a raise: I lost my card at noon and had a working one before dinner.",
    "If you have patience for the first hundred pages the book rewards you; if not, the audiobook is read "
    "very well.",
    "We came for the view and stayed for the cake. The terrace is full by three, so come early or bring a "
    "book.",
    "I have owned four of these over the years, and this one is the first that I would not buy again: the "
    "buttons are "
    "gone, everything hides in a menu, and the menu forgets what I told it.",
    "The doctor took her time, explained each result in words I could follow, and called the next day to ask "
    "whether "
    "the pain was gone. I have never been treated like that before, and I drove home crying with relief.",
    "Installation is simple enough: two screws, one cable, ten minutes. The trouble starts when you want to "
    "change a "
    "setting, because the application asks for a location, a phone number and a birthday before it shows the "
    "button.",
    "A mixed evening. The actors were wonderful, the sound was not; from row twenty we understood perhaps "
    "half of what "
    "was said, and when we mentioned it in the break the man at the desk shrugged. We would go again, "
    "further in front.",
    "First the good news: the bike is light, it looks lovely, and the brakes are better than on models that "
    "cost twice "
    "as much. Now the rest. The chain came dry, one spoke was loose, the saddle is made for somebody else, "
    "and the shop "
    "wanted eighty euros to set up what they had sold me as ready to ride. I did it myself, with a film from "
    "the "
    "internet and a borrowed spanner, and since then I have ridden six hundred kilometres without a "
    "complaint.",
    "We booked this flat for a week in September because the pictures showed a garden and the description "
    "promised a "
    "quiet street. The garden exists, and the children loved it. The street is quiet until six in the "
    "morning, when the "
    "bakery on the corner gets its flour, and from then on you will not sleep, whatever the owner says about "
    "the new "
    "windows. The kitchen had everything except a sharp knife. The beds were firm, the shower hot, the owner "
    "friendly "
    "and quick to answer, and when the washing machine gave up on the fourth day he came within the hour, "
    "carried our "
    "laundry to his own house and brought it back folded. Would we come again? Yes, but in winter, when the "
    "bakery "
    "opens later, and we would bring our own knife. For families with small children who are awake at that "
    "time anyway "
    "it is close to perfect; for everybody else there are ear plugs in the drawer beside the bed, which I "
    "thought was "
    "funny on the first evening and very considerate on the second.",
};
// NOLINTEND(bugprone-suspicious-missing-comma)

}  // namespace

std::span<const std::string_view> bench_texts() { return kTexts; }

}  // namespace valence::app
