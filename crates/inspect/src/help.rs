//! The phrases that open the help page: what somebody types who may need somebody to talk to.
//!
//! Few and in the first person rather than many: a lesson about the topic should not be met by the help page at every
//! turn, and someone who asks for themself should be. Written for this product; English only so far.

use crate::phrases::Topics;

const PHRASES: &str = include_str!("help.txt");

/// Topics and phrases for which the help page opens whatever a school's policy says. A school adds its own.
pub fn help_topics() -> Topics {
    let mut topics = Topics::new();
    let mut topic: Box<str> = "".into();
    for line in PHRASES.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            Some(name) => topic = name.into(),
            None => topics.entry(topic.clone()).or_default().extend(variants(line)),
        }
    }
    topics
}

/// Spells out the alternatives of a line: `my (dad|mum) hits me` is two phrases.
fn variants(line: &str) -> Vec<Box<str>> {
    let alternatives = line.split_once('(').and_then(|(before, rest)| {
        let (choices, after) = rest.split_once(')')?;
        Some((before, choices, after))
    });
    match alternatives {
        None => vec![line.into()],
        Some((before, choices, after)) => {
            choices.split('|').flat_map(|choice| variants(&format!("{before}{choice}{after}"))).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Phrases;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let phrases = Phrases::new(&help_topics()).unwrap();
        assert_eq!(phrases.topics_in(text).into_iter().collect::<Vec<_>>(), Vec::from_iter(expected), "{text}");
    }

    #[test]
    fn the_four_topics_have_phrases() {
        let topics = help_topics();
        let names: Vec<&str> = topics.keys().map(|topic| &**topic).collect();
        assert_eq!(names, ["abuse", "eating-disorder", "self-harm", "sexual-violence"]);
        for (topic, phrases) in &topics {
            assert!(phrases.len() >= 20, "{topic}");
            assert!(phrases.iter().all(|phrase| !phrase.contains(['(', '|', ')'])), "{topic}");
        }
    }

    #[test]
    fn people_who_ask_for_themselves_are_met() {
        check("self harm", Some("self-harm"));
        check("How to stop self-harming?", Some("self-harm"));
        check("I don't want to live any more", Some("self-harm"));
        check("how to kill myself", Some("self-harm"));
        check("my step dad hits me what do i do", Some("abuse"));
        check("scared to go home", Some("abuse"));
        check("am i anorexic quiz", Some("eating-disorder"));
        check("pro-ana tips", Some("eating-disorder"));
        check("I was raped", Some("sexual-violence"));
        check("someone is threatening to share my nudes", Some("sexual-violence"));
    }

    #[test]
    fn homework_and_near_misses_are_left_alone() {
        for text in [
            "self help books",
            "self service",
            "harm reduction policy",
            "suicide squad cast",
            "suicide in romeo and juliet",
            "how did hitler die",
            "to kill a mockingbird summary",
            "kill la kill",
            "the rape of the lock alexander pope",
            "rape of nanking",
            "oilseed rape growing season",
            "i cut myself shaving",
            "hanging gardens of babylon",
            "the black death",
            "i want to dye my hair",
            "hunger games",
            "ramadan fasting times",
            "purge the monasteries henry viii",
            "system restore purge files",
            "anorexia causes biology essay",
            "history of child labour abuse in factories",
            "substance abuse worksheet",
            "dad hits six for england",
            "my brother beat me at chess",
            "scared of going to the dentist",
            "my dog is being groomed",
            "overdose song lyrics",
            "domestic abuse act 2021",
            "essex and middlesex assault rifles",
        ] {
            check(text, None);
        }
    }
}
