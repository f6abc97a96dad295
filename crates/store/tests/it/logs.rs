//! Log text: what is written is what is read, it packs well, and neither memory nor disk run away.

use std::fmt::Write;
use std::fs;

use model::{Epoch, Fact, ReleaseId};
use store::{Entry, LogFilter, LogSlice, Topic};

use crate::rig::{Rig, node, said};

async fn read(rig: &Rig, id: ReleaseId, node: Option<&str>, from: u64, to: Option<u64>) -> String {
    let mut reader = rig.store.log(id, node, from, to).await.unwrap().unwrap();
    let mut text = String::new();
    while let Some(slice) = reader.next().await.unwrap() {
        text += &slice.text;
    }
    text
}

async fn record(rig: &Rig, (id, epoch): (ReleaseId, Epoch), entries: Vec<Entry>) {
    rig.store.record(id, epoch, entries).await.unwrap();
}

#[tokio::test]
async fn joined_texts_are_the_log_before_and_after_merging() {
    let rig = Rig::new().await;
    let running @ (id, _) = rig.running("production").await;
    let line = |n: usize| format!("{n} äöü €uro 😀 \u{1b}[31mred\u{1b}[0m\0\r\n");
    let written: String = (0..3000).map(line).collect();
    for n in (0..3000).step_by(100) {
        record(&rig, running, (n..n + 100).map(|n| said("build", &line(n))).collect()).await;
    }
    let check = async || {
        assert!(read(&rig, id, Some("build"), 0, None).await == written);
        assert!(read(&rig, id, None, 0, None).await == written);
        let (mut joined, mut after) = (String::new(), 0);
        while after < 3002 {
            let batch = rig.store.events(&Topic::Release(id), after, &LogFilter::All).await.unwrap().unwrap();
            after = batch.seq;
            for event in batch.events {
                let Fact::Log(log) = event.fact else { continue };
                assert_eq!(log.offset, joined.len() as u64);
                joined += &log.text.unwrap();
                assert_eq!(log.offset + log.bytes, joined.len() as u64);
            }
        }
        assert!(joined == written);
    };
    check().await;
    let stored = async || rig.number("SELECT SUM(LENGTH(text)) FROM log_chunk").await;
    let chunks = async || rig.number("SELECT COUNT(*) FROM log_chunk").await;
    let (loose, loose_chunks) = (stored().await, chunks().await);
    record(&rig, running, vec![Entry::LogEnd { node: "build".into() }]).await;
    let (merged, merged_chunks) = (stored().await, chunks().await);
    assert!(merged * 5 < loose, "{loose} bytes became {merged}");
    assert!(loose_chunks > 100 && merged_chunks <= 2, "{loose_chunks} pieces became {merged_chunks}");
    check().await;

    // A next try goes on where the log ended.
    record(&rig, running, vec![said("build", "again\n"), Entry::LogEnd { node: "build".into() }]).await;
    assert!(read(&rig, id, Some("build"), 0, None).await == written.clone() + "again\n");
}

#[tokio::test]
async fn a_part_of_a_log_is_found_by_its_bytes() {
    let rig = Rig::new().await;
    let running @ (id, _) = rig.running("production").await;
    let long = "0123456789".repeat(30_000);
    let entries = vec![said("build", "ab€"), said("fetch", "XY"), said("build", "cd"), said("build", &long)];
    record(&rig, running, entries).await;
    let build = async |from, to| read(&rig, id, Some("build"), from, to).await;
    assert_eq!(build(1, Some(5)).await, "b€");
    assert_eq!(build(1, Some(4)).await + &build(4, Some(7)).await, "b€cd");
    assert!(build(7, None).await == long);
    assert_eq!(build(290_000, Some(290_010)).await, "3456789012");
    assert_eq!(build(9_999_999, None).await, "");
    assert_eq!(build(5, Some(5)).await, "");
    assert_eq!(read(&rig, id, None, 1, Some(9)).await, "b€XYcd".get(..8).unwrap());
    assert_eq!(read(&rig, id, Some("nowhere"), 0, None).await, "");
    let mut reader = rig.store.log(id, None, 0, Some(7)).await.unwrap().unwrap();
    let slice = |node: &str, text: &str| Some(LogSlice { node: node.into(), text: text.into() });
    assert_eq!(reader.next().await.unwrap(), slice("build", "ab€"));
    assert_eq!(reader.next().await.unwrap(), slice("fetch", "XY"));
    assert_eq!(reader.next().await.unwrap(), None);
    assert!(rig.store.log(ReleaseId(99), None, 0, None).await.unwrap().is_none());
}

/// What the process holds in memory by now, in bytes.
fn resident() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

#[tokio::test]
async fn a_hundred_megabytes_of_log_stay_small() {
    const MEBIBYTE: usize = 1024 * 1024;
    let rig = Rig::new().await;
    let running @ (id, _) = rig.running("production").await;
    record(&rig, running, vec![node("build", model::StepStatus::Running, 1)]).await;
    let page = |n: usize| -> String {
        let mut text = String::with_capacity(MEBIBYTE);
        let mut random = n as u64 + 1;
        while text.len() < MEBIBYTE {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            writeln!(text, "[{n:>3}] compiling module {:x} of the application", random >> 40).unwrap();
        }
        text
    };
    let (before, mut peak, mut written) = (resident(), 0, 0);
    for n in 0..100 {
        let text = page(n);
        written += text.len();
        record(&rig, running, vec![said("build", &text)]).await;
        peak = peak.max(resident());
    }
    record(&rig, running, vec![Entry::LogEnd { node: "build".into() }]).await;
    let mut reader = rig.store.log(id, Some("build"), 0, None).await.unwrap().unwrap();
    let mut bytes = 0;
    while let Some(slice) = reader.next().await.unwrap() {
        bytes += slice.text.len();
        peak = peak.max(resident());
    }
    assert_eq!(bytes, written);
    let grown = peak.saturating_sub(before);
    assert!(grown < 96 * MEBIBYTE as u64, "memory grew by {grown} bytes");
    rig.store.close().await.unwrap();
    let size = fs::metadata(rig.database()).unwrap().len();
    assert!(size < 40 * MEBIBYTE as u64, "the database has {size} bytes");
}
