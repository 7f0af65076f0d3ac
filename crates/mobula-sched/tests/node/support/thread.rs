use std::sync::Arc;

use mobula_sched::{Blame, Node, PortError, PortKind, Step};

use super::memory::Memory;
use super::news::{News, Status, TaskNews, Value, parse, write_list};
use super::{Bed, Rings};

pub(crate) const OK: u8 = 0;
pub(crate) const ERROR: u8 = 1;
pub(crate) const RETRY: u8 = 2;
pub(crate) const UNBEGUN: u8 = 3;
const STAYS: u8 = 6;
/// What a result has that stays at a place; its node is the place's number modulo 3.
pub(crate) const STAYS_BYTES: u64 = 1 << 20;
pub(crate) const FAILED: u8 = 4;
pub(crate) const LOST: u8 = 5;

/// What is submitted beside the template.
#[derive(Debug, Default, Clone)]
pub(crate) struct Call<'a> {
    pub(crate) arguments: Value,
    pub(crate) deps: &'a [u32],
    /// Further results.
    pub(crate) more: &'a [u32],
    pub(crate) creates: bool,
    pub(crate) actor: Option<u32>,
    pub(crate) parent: Option<&'a TaskNews>,
    pub(crate) stream: Option<u32>,
    /// Namespace and name of the actor it creates.
    pub(crate) name: Option<(&'a str, &'a str)>,
    /// Whether it is cancelled already.
    pub(crate) cancelled: bool,
}

/// A thread's end of the core, as JavaScript has it.
#[derive(Debug)]
pub(crate) struct Thread {
    node: Arc<Node>,
    pub(crate) id: u16,
    pub(crate) rings: Arc<Rings>,
    memory: Memory,
    end: usize,
    next_token: u32,
    /// Whether the watchdog slept when commands were declared complete, and has not been rung.
    unwatched: bool,
}

/// A port whose thread's memory goes when a panic does.
struct ClosedByPanic<'a>(&'a Node, u16);

impl Drop for ClosedByPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.close_port(self.1);
        }
    }
}

impl Thread {
    pub(crate) fn attach(bed: &Bed, kind: PortKind, host: Option<u32>) -> Self {
        let rings = Arc::new(Rings::default());
        let id = bed
            .node
            .attach(kind, host, Arc::clone(&rings) as _)
            .expect("a port");
        let thread = Self {
            node: Arc::clone(&bed.node),
            id,
            rings,
            memory: Memory::new(1 << 16),
            end: 0,
            next_token: 0,
            unwatched: false,
        };
        let _closing = ClosedByPanic(&bed.node, id);
        bed.node
            .set_regions(id, thread.memory.regions())
            .expect("an open port");
        thread
    }

    /// Gives the thread an inbox of another size.
    pub(crate) fn resize(&mut self, inbox: usize) {
        self.flush();
        let memory = Memory::new(inbox);
        self.node
            .set_regions(self.id, memory.regions())
            .expect("an open port");
        self.memory = memory;
    }

    // ---- commands ----

    fn record(&mut self, record: &[u8]) {
        if self.end > 1 << 19 {
            self.flush();
        }
        self.end = self.memory.write(self.end, record);
        self.unwatched |= self.memory.publish(self.end);
    }

    /// A record of an operation, a byte and words.
    fn words(&mut self, op: u8, flag: Option<u8>, words: &[u32]) {
        let mut record = vec![op];
        record.extend(flag);
        for word in words {
            record.extend(word.to_le_bytes());
        }
        self.record(&record);
    }

    /// A fresh object.
    pub(crate) fn object(&self) -> u32 {
        let mut pair = [0; 2];
        self.node.alloc_objects(self.id, &mut pair);
        pair[0]
    }

    /// Submits a task; gives its result.
    pub(crate) fn submit(&mut self, template: u32, call: &Call<'_>) -> u32 {
        self.submit_as(&[1], template, call)
    }

    /// Submits a task in the name of another node, where it is `origin`.
    pub(crate) fn run(&mut self, origin: [u8; 24], template: u32, call: &Call<'_>) -> u32 {
        let head: Vec<u8> = std::iter::once(12).chain(origin).collect();
        self.submit_as(&head, template, call)
    }

    /// Takes so many more tasks of a line.
    pub(crate) fn open(&mut self, line: u32, window: u32) {
        self.words(13, Some(0), &[line, window]);
    }

    /// Needs a line no more.
    pub(crate) fn close(&mut self, line: u32) {
        self.words(13, Some(1), &[line, 0]);
    }

    fn submit_as(&mut self, head: &[u8], template: u32, call: &Call<'_>) -> u32 {
        let result = self.object();
        let flag = |on: bool, flag: u8| if on { flag } else { 0 };
        let flags = flag(!call.deps.is_empty(), 1)
            | flag(!call.more.is_empty(), 2)
            | flag(call.creates, 4)
            | flag(call.actor.is_some(), 8)
            | flag(call.parent.is_some(), 16)
            | flag(call.stream.is_some(), 32)
            | flag(call.name.is_some(), 64)
            | flag(call.cancelled, 128);
        let mut record = head.to_vec();
        record.push(flags);
        record.extend(template.to_le_bytes());
        record.extend(result.to_le_bytes());
        call.arguments.write(&mut record);
        if !call.deps.is_empty() {
            write_list(&mut record, call.deps);
        }
        if !call.more.is_empty() {
            write_list(&mut record, call.more);
        }
        let mut words = Vec::new();
        words.extend(call.actor);
        if let Some(parent) = call.parent {
            words.extend([parent.task, parent.generation]);
        }
        words.extend(call.stream);
        record.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        if let Some((namespace, name)) = call.name {
            for text in [namespace, name] {
                record.extend((text.len() as u32).to_le_bytes());
                record.extend(text.as_bytes());
            }
        }
        self.record(&record);
        result
    }

    /// Submits a task with one byte as arguments.
    pub(crate) fn submit_tagged(&mut self, template: u32, tag: u8, deps: &[u32]) -> u32 {
        let arguments = super::value([tag]);
        self.submit(
            template,
            &Call {
                arguments,
                deps,
                ..Call::default()
            },
        )
    }

    /// Calls an actor with one byte as arguments.
    pub(crate) fn call(&mut self, method: u32, actor: u32, tag: u8, deps: &[u32]) -> u32 {
        let call = Call {
            arguments: super::value([tag]),
            deps,
            actor: Some(actor),
            ..Call::default()
        };
        self.submit(method, &call)
    }

    /// Makes an actor; gives its object.
    pub(crate) fn create(&mut self, class: u32, deps: &[u32]) -> u32 {
        let call = Call {
            deps,
            creates: true,
            ..Call::default()
        };
        self.submit(class, &call)
    }

    /// Makes an actor with a name; gives its object.
    pub(crate) fn create_named(&mut self, class: u32, deps: &[u32], namespace: &str, name: &str) -> u32 {
        let call = Call {
            deps,
            creates: true,
            name: Some((namespace, name)),
            ..Call::default()
        };
        self.submit(class, &call)
    }

    /// Asks for an object's value; gives the token.
    pub(crate) fn get(&mut self, object: u32) -> u32 {
        self.subscribe(object, true)
    }

    /// Subscribes to an object; gives the token.
    pub(crate) fn subscribe(&mut self, object: u32, value: bool) -> u32 {
        let token = self.next_token;
        self.next_token += 1;
        self.words(2, Some(u8::from(value)), &[object, token]);
        token
    }

    pub(crate) fn release(&mut self, objects: &[u32]) {
        let mut record = vec![3];
        write_list(&mut record, objects);
        self.record(&record);
    }

    pub(crate) fn result(&mut self, task: u32, outcome: u8, values: &[Value]) {
        let mut record = vec![4, outcome];
        record.extend((values.len() as u16).to_le_bytes());
        record.extend(task.to_le_bytes());
        for value in values {
            value.write(&mut record);
        }
        self.record(&record);
    }

    /// Ends a task of the agent's with results that stay where they were made, at these places.
    pub(crate) fn stays(&mut self, task: u32, places: &[u32]) {
        let mut record = vec![4, STAYS];
        record.extend((places.len() as u16).to_le_bytes());
        record.extend(task.to_le_bytes());
        for place in places {
            record.push(1);
            record.extend(place.to_le_bytes());
            record.extend((place % 3).to_le_bytes());
            record.extend(STAYS_BYTES.to_le_bytes());
        }
        self.record(&record);
    }

    /// Settles an object that is needed here: with a value, or as lost on the way.
    pub(crate) fn here(&mut self, object: u32, value: Option<&Value>) {
        let mut record = vec![14, if value.is_some() { 0 } else { 2 }];
        record.extend(object.to_le_bytes());
        if let Some(value) = value {
            value.write(&mut record);
        }
        self.record(&record);
    }

    /// Settles an object that is needed here with an error.
    pub(crate) fn here_fails(&mut self, object: u32, error: &Value) {
        let mut record = vec![14, 1];
        record.extend(object.to_le_bytes());
        error.write(&mut record);
        self.record(&record);
    }

    /// What is at a place is lost.
    pub(crate) fn lose(&mut self, place: u32) {
        self.words(15, None, &[place]);
    }

    /// What is at a place is needed here.
    pub(crate) fn bring(&mut self, place: u32) {
        self.words(16, None, &[place]);
    }

    /// Stores a value; gives its object.
    pub(crate) fn put(&mut self, value: &Value) -> u32 {
        let object = self.object();
        self.put_into(object, value);
        object
    }

    pub(crate) fn put_into(&mut self, object: u32, value: &Value) {
        let mut record = vec![5];
        record.extend(object.to_le_bytes());
        value.write(&mut record);
        self.record(&record);
    }

    pub(crate) fn yields(&mut self, task: &TaskNews, item: &Value) {
        let mut record = vec![6];
        record.extend(task.task.to_le_bytes());
        record.extend(task.generation.to_le_bytes());
        item.write(&mut record);
        self.record(&record);
    }

    pub(crate) fn pending(&mut self, task: u32, lent: bool) {
        self.words(7, Some(u8::from(lent)), &[task]);
    }

    pub(crate) fn block(&mut self, task: u32, begins: bool) {
        self.words(8, Some(u8::from(begins)), &[task]);
    }

    pub(crate) fn cancel(&mut self, object: u32, force: bool, recursive: bool) {
        self.words(9, Some(u8::from(force) | u8::from(recursive) << 1), &[object]);
        self.flush();
    }

    /// Cancels what makes an object, if no thread has it.
    pub(crate) fn take_back(&mut self, object: u32) {
        self.words(17, None, &[object]);
        self.flush();
    }

    pub(crate) fn credit(&mut self, object: u32, items: u32) {
        self.words(10, None, &[object, items]);
    }

    pub(crate) fn kill(&mut self, actor: u32, restart: bool) {
        self.words(11, Some(u8::from(restart)), &[actor]);
        self.flush();
    }

    /// What JavaScript does once it has written commands that it will not pass on at once.
    pub(crate) fn leaves_to_the_watchdog(&mut self) {
        if std::mem::take(&mut self.unwatched) {
            self.node.watch();
        }
    }

    pub(crate) fn flush(&mut self) {
        let end = std::mem::take(&mut self.end);
        self.node.flush(self.id, end).expect("an open port");
    }

    /// Why the commands were refused.
    pub(crate) fn refused(&mut self) -> PortError {
        let end = std::mem::take(&mut self.end);
        self.node.flush(self.id, end).expect_err("wrong commands")
    }

    // ---- news ----

    /// One step; nothing when the bell will ring.
    pub(crate) fn step_once(&mut self, spin: bool) -> Option<Vec<News>> {
        self.step_for(spin, true)
    }

    /// One step in the midst of a batch: no tasks are handed out, and the batch stays as it is.
    pub(crate) fn step_within_batch(&mut self) -> Option<Vec<News>> {
        self.step_for(false, false)
    }

    fn step_for(&mut self, spin: bool, take: bool) -> Option<Vec<News>> {
        loop {
            let end = std::mem::take(&mut self.end);
            match self.node.step(self.id, end, spin, take).expect("an open port") {
                Step::Filled(len) | Step::Last(len) => return Some(parse(&self.memory.read(len as usize))),
                Step::Asleep => return None,
                Step::NeedsInbox(size) => self.resize((size as usize).next_power_of_two()),
            }
        }
    }

    /// One step that must bring news.
    pub(crate) fn step(&mut self) -> Vec<News> {
        self.step_once(false).expect("news")
    }

    /// One step that must not bring news.
    pub(crate) fn sleeps(&mut self) {
        assert_eq!(self.step_once(false), None, "news for a thread that should sleep");
    }

    /// All news until the thread sleeps; only for threads that are handed no tasks.
    pub(crate) fn news(&mut self) -> Vec<News> {
        std::iter::from_fn(|| self.step_once(false)).flatten().collect()
    }

    /// One step that must bring tasks and nothing else.
    pub(crate) fn tasks(&mut self) -> Vec<TaskNews> {
        let task = |news| match news {
            News::Task(task) => task,
            other => panic!("not a task: {other:?}"),
        };
        self.step().into_iter().map(task).collect()
    }

    /// One step that must bring one task, which is begun.
    pub(crate) fn begin(&mut self) -> TaskNews {
        let mut tasks = self.tasks();
        assert_eq!(tasks.len(), 1, "one task: {tasks:?}");
        assert!(self.claim(&tasks[0]));
        tasks.remove(0)
    }

    pub(crate) fn claim(&self, task: &TaskNews) -> bool {
        self.memory.claim(task.slot)
    }

    /// Gives a claimed task back: it was not begun after all.
    pub(crate) fn unclaim(&self, task: &TaskNews) {
        self.memory.offer(task.slot);
    }

    /// Runs tasks until there are none: each gives back its arguments. Gives their tags.
    pub(crate) fn run_all(&mut self) -> Vec<u8> {
        self.run_each(|_| OK)
    }

    /// The same, where `outcome` says how each ends, by its tag: how many results a task has is not told, and an error is one value.
    pub(crate) fn run_each(&mut self, outcome: impl Fn(u8) -> u8) -> Vec<u8> {
        let mut tags = Vec::new();
        while let Some(news) = self.step_once(false) {
            for record in news {
                if let News::Task(task) = record
                    && self.claim(&task)
                {
                    tags.push(task.tag());
                    let value = super::value(&task.arguments.bytes);
                    self.result(task.task, outcome(task.tag()), &[value]);
                    self.forget(&task);
                }
            }
        }
        tags
    }

    /// Gives back the handles that came with a task.
    pub(crate) fn forget(&mut self, task: &TaskNews) {
        let deps = task.deps.iter().flat_map(|dep| &dep.refs);
        let refs: Vec<u32> = task.arguments.refs.iter().chain(deps).copied().collect();
        if !refs.is_empty() {
            self.release(&refs);
        }
    }

    /// How the subscription `token` turned out, once: the only news there are.
    pub(crate) fn outcome(&mut self, token: u32) -> (Status, Value) {
        let mut news = self.news();
        assert_eq!(news.len(), 1, "the outcome of {token} and nothing else: {news:?}");
        match news.remove(0) {
            News::Value {
                status,
                token: got,
                value,
            } if got == token => (status, value),
            other => panic!("not the outcome of {token}: {other:?}"),
        }
    }

    /// It takes no more tasks.
    pub(crate) fn stops_taking(&self) {
        self.node.stop_taking(self.id).expect("an open port");
    }

    pub(crate) fn rings(&self) -> u32 {
        self.rings.count()
    }

    /// The thread ends, without a word.
    pub(crate) fn dies(self) {
        self.node.close_port(self.id);
        self.node.bury(self.id, "it died", Blame::Unknown);
        self.node.forget_port(self.id);
    }
}
