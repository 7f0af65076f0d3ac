//! Threads of one job run tasks of no other, and jobs share the CPUs of the node.

use mobula_sched::{Blame, Demand, TemplateSpec, UNIT};

use super::support::{Bed, Call, News, OK, Status, TaskNews, Thread, plain, value};

const MILLISECOND: u64 = 1_000_000;

fn of_job(job: u32) -> TemplateSpec {
    TemplateSpec { job, ..plain() }
}

fn half_a_cpu(job: u32) -> TemplateSpec {
    TemplateSpec {
        demand: Demand {
            cpu: UNIT / 2,
            others: Vec::new(),
        },
        ..of_job(job)
    }
}

fn end(bed: &Bed, thread: &Thread) {
    bed.node.bury(thread.id, "it was to", Blame::Nobody);
}

#[test]
fn each_thread_gets_the_tasks_of_its_job_alone() {
    for spec in [of_job, half_a_cpu] {
        let bed = Bed::new(3, &[]);
        let mut driver = bed.driver();
        let [own, first, second] = [0, 1, 2].map(|job| bed.template(spec(job)));
        let mut threads = [bed.worker(), bed.worker_of(1), bed.worker_of(2)];
        for thread in &mut threads {
            thread.sleeps();
        }
        let refs: Vec<u32> = [own, first, second, first]
            .iter()
            .zip(0..)
            .map(|(&template, tag)| driver.submit_tagged(template, tag, &[]))
            .collect();
        driver.flush();
        for (thread, tags) in threads.iter_mut().zip([&[0][..], &[1, 3], &[2]]) {
            assert_eq!(thread.rings(), 1, "it slept, and has work");
            assert_eq!(thread.run_all(), tags);
        }
        driver.release(&refs);
        driver.flush();
        bed.assert_balanced(0);
    }
}

#[test]
fn threads_are_asked_for_once_when_a_job_has_its_first_task() {
    let bed = Bed::new(2, &[]);
    let mut driver = bed.driver();
    let template = bed.template(of_job(7));
    assert_eq!(driver.news(), []);
    let refs = [0, 1].map(|tag| {
        let object = driver.submit_tagged(template, tag, &[]);
        driver.flush();
        object
    });
    assert_eq!(driver.news(), [News::NeedCrew { job: 7 }]);
    let mut thread = bed.worker_of(7);
    assert_eq!(thread.run_all(), [0, 1]);
    driver.release(&refs);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn a_main_thread_that_comes_later_is_told_which_threads_are_missing() {
    let bed = Bed::new(1, &[]);
    let mut agent = bed.agent();
    let template = bed.template(of_job(3));
    let result = agent.run([0; 24], template, &Call::default());
    agent.sleeps();
    let mut driver = bed.driver();
    assert_eq!(driver.news(), [News::NeedCrew { job: 3 }]);
    let mut thread = bed.worker_of(3);
    assert_eq!(thread.run_all(), [0]);
    agent.release(&[result]);
    agent.sleeps();
    bed.assert_balanced(0);
}

/// What a task of a job submits is the job's, whether its template names the job or not.
#[test]
fn what_a_thread_registers_belongs_to_its_job() {
    let bed = Bed::new(2, &[]);
    let mut driver = bed.driver();
    let parent = bed.template(of_job(1));
    let (mut thread, mut sibling, mut stranger) = (bed.worker_of(1), bed.worker_of(1), bed.worker());
    stranger.sleeps();
    sibling.sleeps();
    let result = driver.submit_tagged(parent, 0, &[]);
    driver.flush();
    let task = thread.begin();
    let registration = thread.object();
    let added = bed
        .node
        .add_template(thread.id, Some(registration), plain(), b"", None, None);
    let template = added.expect("nothing to check").expect("few templates");
    let child = thread.submit_tagged(template, 1, &[]);
    thread.flush();
    assert_eq!(stranger.rings(), 0);
    assert_eq!(sibling.run_all(), [1], "stolen by a thread of the same job");
    stranger.sleeps();
    thread.result(task.task, OK, &[value("")]);
    thread.release(&[child, registration]);
    assert_eq!(thread.step(), [News::ForgetTemplate { template }]);
    thread.sleeps();
    driver.release(&[result]);
    driver.flush();
    bed.assert_balanced(0);
}

#[test]
fn tasks_of_a_thread_that_dies_or_is_busy_go_to_its_own_job() {
    let bed = Bed::new(3, &[]);
    let mut driver = bed.driver();
    let template = bed.template(TemplateSpec {
        max_retries: 1,
        ..of_job(1)
    });
    let (mut dying, mut stranger) = (bed.worker_of(1), bed.worker());
    let refs = [0, 1, 2].map(|tag| driver.submit_tagged(template, tag, &[]));
    driver.flush();
    let begun = dying.tasks();
    assert!(dying.claim(&begun[0]));
    let child = dying.submit_tagged(template, 3, &[]);
    dying.release(&[child]);
    dying.flush();
    bed.advance(2 * MILLISECOND);
    bed.node.tick();
    stranger.sleeps();
    end(&bed, &dying);
    stranger.sleeps();
    let mut heir = bed.worker_of(1);
    let mut tags = heir.run_all();
    tags.sort_unstable();
    assert_eq!(tags, [0, 1, 2, 3]);
    driver.release(&refs);
    driver.flush();
    bed.assert_balanced(0);
}

/// Runs one batch of 1 ms tasks that submit themselves; gives how many there were.
fn links(bed: &Bed, thread: &mut Thread, template: u32) -> u32 {
    let mut count = 0;
    for news in thread.step_once(false).unwrap_or_default() {
        let News::Task(task) = news else {
            panic!("a task: {news:?}")
        };
        if !thread.claim(&task) {
            continue;
        }
        bed.advance(MILLISECOND);
        count += 1;
        link(thread, template, &task);
        thread.result(task.task, OK, &[value("")]);
    }
    count
}

fn link(thread: &mut Thread, template: u32, parent: &TaskNews) {
    let call = Call {
        parent: Some(parent),
        ..Call::default()
    };
    let next = thread.submit(template, &call);
    thread.release(&[next]);
}

#[test]
fn jobs_with_endless_tasks_share_one_cpu() {
    // The job with a priority, if any.
    for urgent in [None, Some(0), Some(2)] {
        let bed = Bed::new(1, &[]);
        let mut driver = bed.driver();
        let templates = [0, 1, 2].map(|job| {
            let priority = i32::from(urgent == Some(job));
            bed.template(TemplateSpec {
                priority,
                ..of_job(job)
            })
        });
        let mut threads = [bed.worker(), bed.worker_of(1), bed.worker_of(2)];
        for template in templates {
            let first = driver.submit_tagged(template, 0, &[]);
            driver.release(&[first]);
        }
        driver.flush();
        let mut counts = [0; 3];
        for _ in 0..2_000 {
            for (at, thread) in threads.iter_mut().enumerate() {
                counts[at] += links(&bed, thread, templates[at]);
            }
            bed.node.tick();
        }
        let all: u32 = counts.iter().sum();
        for count in counts {
            assert!(count * 20 > all, "{counts:?}");
        }
    }
}

#[test]
fn a_job_that_ends_has_its_tasks_cancelled_wherever_they_are() {
    for spec in [of_job, half_a_cpu] {
        let bed = Bed::new(4, &[]);
        let mut driver = bed.driver();
        let template = bed.template(spec(5));
        let elsewhere = bed.template(TemplateSpec {
            forward: Some(b"ask".to_vec().into()),
            ..spec(5)
        });
        let mut agent = bed.agent();
        let mut thread = bed.worker_of(5);
        let source = driver.object();
        let mut refs = vec![driver.submit_tagged(template, 0, &[])];
        driver.flush();
        let task = thread.begin();
        thread.submit_tagged(template, 1, &[]);
        thread.flush();
        refs.push(driver.submit_tagged(template, 2, &[]));
        refs.push(driver.submit_tagged(template, 3, &[source]));
        refs.push(driver.submit_tagged(elsewhere, 4, &[]));
        driver.flush();
        let tokens: Vec<u32> = refs.iter().map(|&object| driver.get(object)).collect();
        driver.flush();
        bed.node.end_job(5);
        bed.node.end_job(5);
        end(&bed, &thread);
        // What becomes ready afterwards, or comes late.
        driver.put_into(source, &value("x"));
        refs.push(driver.submit_tagged(template, 6, &[]));
        refs.push(driver.submit_tagged(elsewhere, 6, &[]));
        driver.flush();
        let news = driver.news();
        let over = News::CrewOver { job: 5 };
        assert_eq!(news.iter().filter(|&each| *each == over).count(), 1);
        for token in tokens {
            let cancelled = |each: &News| matches!(each, News::Value { status: Status::SystemError, token: of, value } if *of == token && value.bytes[0] == 1);
            assert!(news.iter().any(cancelled), "{token}: {news:?}");
        }
        for news in agent.news() {
            assert!(matches!(news, News::Line { waiting: 0, .. }), "{news:?}");
        }
        assert_eq!(bed.worker_of(5).run_all(), [], "a thread that comes late");
        assert_eq!(task.tag(), 0);
        driver.release(&refs);
        driver.release(&[source]);
        driver.flush();
        bed.assert_balanced(0);
    }
}
