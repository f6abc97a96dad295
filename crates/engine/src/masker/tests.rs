//! Every form of a secret, cut at every place.

use super::values::Values;
use super::*;

fn masker() -> Masker {
    Masker::new(&[
        "hunter2hunter".to_owned().into(),
        "short".to_owned().into(),
        "line-one\nline-two\n".to_owned().into(),
    ])
}

/// Masks `text` in two parts, at every place where it can be cut.
fn cut_everywhere(masker: &Masker, text: &str, expected: &str) {
    for cut in 0..=text.len() {
        let (mut held, bytes) = (Held::default(), text.as_bytes());
        let mut out = masker.mask(&mut held, &bytes[..cut]);
        out.extend(masker.mask(&mut held, &bytes[cut..]));
        out.extend(masker.end(&mut held));
        assert_eq!(String::from_utf8(out).unwrap(), expected, "{text:?} cut at {cut}");
    }
}

#[test]
fn a_secret_is_masked_wherever_the_stream_is_cut() {
    cut_everywhere(&masker(), "a hunter2hunter b line-two hunter2", "a [secret] b [secret] hunter2");
}

#[test]
fn what_begins_no_secret_is_said_at_once() {
    let (masker, mut held) = (masker(), Held::default());
    assert_eq!(masker.mask(&mut held, b"line 1\n"), b"line 1\n");
    assert_eq!(masker.mask(&mut held, b"hunt"), b"");
    assert_eq!(masker.mask(&mut held, b"ing\n"), b"hunting\n");
    assert_eq!(masker.mask(&mut held, b"/srv/shop 07/26 100%\n"), b"/srv/shop 07/26 100%\n");
}

#[test]
fn short_values_are_left_alone() {
    assert_eq!(masker().text("short"), "short");
    assert!(!is_masked(" short \n") && is_masked("longer"));
}

#[test]
fn a_secret_that_begins_another_hides_nothing_of_it() {
    let masker = Masker::new(&["secret-one".to_owned().into(), "secret-one-and-two".to_owned().into()]);
    cut_everywhere(&masker, "secret-one-and-two.", "[secret].");
    cut_everywhere(&masker, "secret-one-and-six.", "[secret]-and-six.");
    cut_everywhere(&masker, "secret-onesecret-one", "[secret][secret]");
}

#[test]
fn every_form_of_a_secret_is_masked_wherever_the_stream_is_cut() {
    let masker = Masker::new(&["p\u{e4}ss/w0rd \"it's\" $x".to_owned().into()]);
    for (form, text, expected) in [
        ("base64", "cMOkc3MvdzByZCAiaXQncyIgJHg=", "[secret]="),
        ("base64, behind one byte", "LnDDpHNzL3cwcmQgIml0J3MiICR4Lg==", "L[secret]Lg=="),
        ("base64, behind two bytes", "Li5ww6Rzcy93MHJkICJpdCdzIiAkeC4=", "Li[secret]4="),
        ("base64, broken", "cMOkc3MvdzBy\r\nZCAiaXQncyIgJHg=", "[secret]="),
        ("hex", "70c3a473732f77307264202269742773222024780a", "[secret]0a"),
        ("upper hex", "x'70C3A473732F7730726420226974277322202478'", "x'[secret]'"),
        ("hex in pairs", " 70 c3 a4 73 73 2f 77 30\n 72 64 20 22 69 74 27 73 22 20 24 78 0a", " [secret] 0a"),
        ("address", "p%C3%A4ss%2Fw0rd%20%22it%27s%22%20%24x", "[secret]"),
        ("address, lower", "?a=p%c3%a4ss/w0rd%20%22it's%22%20$x&b", "?a=[secret]&b"),
        ("form", "p%C3%A4ss%2Fw0rd+%22it%27s%22+%24x", "[secret]"),
        ("JSON", r#"{"a":"päss/w0rd \"it's\" $x"}"#, r#"{"a":"[secret]"}"#),
        ("JSON in ASCII", r#""p\u00e4ss\/w0rd \"it's\" $x""#, r#""[secret]""#),
        ("shell", r#"'päss/w0rd "it'\''s" $x'"#, "'[secret]'"),
        ("shell, as dash", r#"'päss/w0rd "it'"'"'s" $x'"#, "'[secret]'"),
        ("shell, each character", r#"päss/w0rd\ \"it\'s\"\ \$x"#, "[secret]"),
        ("shell, in $''", r#"$'p\303\244ss/w0rd "it\'s" $x'"#, "$'[secret]'"),
    ] {
        assert_eq!(masker.text(text), expected, "{form}");
        cut_everywhere(&masker, text, expected);
    }
}

#[test]
fn a_secret_outside_of_ascii_is_found_in_pairs_of_json() {
    let masker = Masker::new(&["key \u{1f511} of".to_owned().into()]);
    cut_everywhere(&masker, r#""\ud83d \"key \ud83d\udd11 of\ud83d""#, r#""\ud83d \"[secret]\ud83d""#);
}

#[test]
fn lines_of_a_key_are_masked_and_its_frame_is_shown() {
    let key = "-----BEGIN KEY-----\nMIIEpAIBAAKCAQEA\nwJ8qsd+Q==\n-----END KEY-----\n";
    let masker = Masker::new(&[key.to_owned().into()]);
    let shown = "-----BEGIN KEY-----\n[secret]\n[secret]\n-----END KEY-----\n";
    cut_everywhere(&masker, key, shown);
    cut_everywhere(&masker, &key.replace('\n', "\r\n"), &shown.replace('\n', "\r\n"));
    let json = key.replace('\n', r"\n");
    cut_everywhere(&masker, &json, &shown.replace('\n', r"\n"));
}

#[test]
fn a_key_on_one_line_is_masked_as_it_is_and_as_programs_print_it() {
    let key = r"-----BEGIN KEY-----\nMIIEpAIBAAKCAQEA\nwJ8qsd+Q==\n-----END KEY-----";
    assert!(is_masked(key));
    let masker = Masker::new([&SecretString::from(key.to_owned())]);
    cut_everywhere(&masker, &format!("KEY={key}."), "KEY=[secret].");
    let shown = "-----BEGIN KEY-----\n[secret]\n[secret]\n-----END KEY-----\n";
    cut_everywhere(&masker, &format!("{}\n", key.replace(r"\n", "\n")), shown);
}

#[test]
fn dashes_hide_no_password() {
    for password in ["-----pass", "-----BEGIN", "-----BEGIN me-----too-----", "-----END -----"] {
        let masker = Masker::new([&SecretString::from(password.to_owned())]);
        let is_shown = password == "-----END -----";
        assert_eq!(is_masked(password), !is_shown, "{password}");
        cut_everywhere(
            &masker,
            &format!("<{password}>"),
            if is_shown { "<-----END ----->" } else { "<[secret]>" },
        );
    }
}

#[test]
fn what_is_held_back_is_no_longer_than_a_secret_however_often_it_is_said() {
    let masker = Masker::new(&["aaaaaa".to_owned().into()]);
    let (mut held, mut out) = (Held::default(), Vec::new());
    for _ in 0..1000 {
        out.extend(masker.mask(&mut held, &[b'a'; 100]));
        assert!(held.len() <= 6, "{}", held.len());
    }
    out.extend(masker.end(&mut held));
    assert_eq!(out, MASK.as_bytes());
}

#[test]
fn many_secrets_take_little_memory() {
    let secret = |n: usize| format!("{:064x}", (n as u128).pow(7) + 0x1234_5678).into();
    let secrets: Vec<SecretString> = (0..500).map(secret).collect();
    let memory = Values::of(&secrets).unwrap().memory();
    assert!(memory < 2 * 1024 * 1024, "{memory}");
}
