//! Tasks that are taken, and end, while the visit that queues them goes on.

use mobula_sched::Bell;
use mobula_sync::atomic::{AtomicBool, Ordering};
use mobula_sync::explore::check;
use mobula_sync::thread;
use std::sync::Arc;

use crate::support::{Bed, News, OK, Thread, elsewhere, value};

/// An agent that takes all that lines have, and answers at once.
fn answer(mut thread: Thread, stop: &AtomicBool) {
    loop {
        let Some(news) = thread.step_once(false) else {
            if stop.load(Ordering::SeqCst) {
                thread.dies();
                return;
            }
            thread.rings.wait();
            continue;
        };
        for record in news {
            match record {
                News::Line { line, .. } => thread.open(line, 9),
                News::Task(task) => thread.result(task.task, OK, &[value("")]),
                _ => {}
            }
        }
    }
}

fn is_told(news: &News) -> bool {
    matches!(news, News::Value { .. })
}

#[test]
fn a_task_for_another_node_may_end_before_its_submitter_has_gone_on() {
    check("queued: for the agent", || {
        let bed = Bed::new(1, &[]);
        let mut driver = bed.driver();
        let agent = bed.agent();
        let rings = Arc::clone(&agent.rings);
        let stop = Arc::new(AtomicBool::new(false));
        let template = bed.template(elsewhere(b"ask"));
        let answering = {
            let stop = Arc::clone(&stop);
            thread::spawn(move || answer(agent, &stop))
        };
        for tag in 0..3 {
            let result = driver.submit_tagged(template, tag, &[]);
            driver.get(result);
            driver.release(&[result]);
            driver.flush();
        }
        let mut told = 0;
        while told < 3 {
            match driver.step_once(false) {
                Some(news) => told += news.iter().filter(|each| is_told(each)).count(),
                None => driver.rings.wait(),
            }
        }
        stop.store(true, Ordering::SeqCst);
        rings.ring();
        answering.join().unwrap();
    });
}
