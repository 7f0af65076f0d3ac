use mobula_sched::Buffer;

const LINKED: u32 = 1 << 31;

/// An encoded value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Value {
    pub(crate) bytes: Vec<u8>,
    pub(crate) refs: Vec<u32>,
    pub(crate) buffers: Vec<Buffer>,
}

/// A value of some bytes.
pub(crate) fn value(bytes: impl AsRef<[u8]>) -> Value {
    Value {
        bytes: bytes.as_ref().to_vec(),
        ..Value::default()
    }
}

impl Value {
    /// The value with refs in it.
    pub(crate) fn with_refs(mut self, refs: &[u32]) -> Self {
        self.refs.extend(refs);
        self
    }

    /// The value with a buffer of the store in it.
    pub(crate) fn with_buffer(mut self, buffer: Buffer) -> Self {
        self.buffers.push(buffer);
        self
    }

    pub(crate) fn write(&self, to: &mut Vec<u8>) {
        let linked = !self.refs.is_empty() || !self.buffers.is_empty();
        let word = self.bytes.len() as u32 | if linked { LINKED } else { 0 };
        to.extend(word.to_le_bytes());
        to.extend(&self.bytes);
        if !linked {
            return;
        }
        write_list(to, &self.refs);
        to.extend((self.buffers.len() as u32).to_le_bytes());
        for buffer in &self.buffers {
            to.extend(buffer.id.to_le_bytes());
            to.extend(buffer.len.to_le_bytes());
        }
    }
}

pub(crate) fn write_list(to: &mut Vec<u8>, list: &[u32]) {
    to.extend((list.len() as u32).to_le_bytes());
    for item in list {
        to.extend(item.to_le_bytes());
    }
}

/// How an object turned out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Value,
    UserError,
    SystemError,
    RetryAsked,
}

/// A task in the inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TaskNews {
    pub(crate) slot: u16,
    pub(crate) creates: bool,
    pub(crate) task: u32,
    pub(crate) generation: u32,
    pub(crate) template: u32,
    pub(crate) attempt: u32,
    /// The actor's object, or how many items of the stream are out already.
    pub(crate) extra: u32,
    /// What it is at the node that has submitted it, if that is another.
    pub(crate) origin: Option<Vec<u8>>,
    /// Arguments that are not there yet: which, and the task and the result that they are.
    pub(crate) missing: Vec<Missing>,
    /// Arguments that lie at other nodes: which, and the place.
    pub(crate) elsewhere: Vec<(u32, u32)>,
    pub(crate) arguments: Value,
    /// Those that are there.
    pub(crate) deps: Vec<Value>,
}

/// An argument that another task makes, at the same node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Missing {
    pub(crate) position: u32,
    pub(crate) task: u32,
    pub(crate) generation: u32,
    pub(crate) result: u32,
}

impl TaskNews {
    /// The first byte of the arguments.
    pub(crate) fn tag(&self) -> u8 {
        self.arguments.bytes.first().copied().unwrap_or(0)
    }

    /// The news that it is to stop.
    pub(crate) fn stopped(&self) -> News {
        News::StopTask {
            task: self.task,
            generation: self.generation,
            force: false,
            recursive: false,
        }
    }
}

/// A record of the inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum News {
    Need {
        place: u32,
        object: u32,
    },
    Drop {
        place: u32,
    },
    Task(TaskNews),
    Value {
        status: Status,
        token: u32,
        value: Value,
    },
    Ready {
        status: Status,
        token: u32,
    },
    Item {
        token: u32,
        object: u32,
    },
    StopTask {
        task: u32,
        generation: u32,
        force: bool,
        recursive: bool,
    },
    Credit {
        task: u32,
        generation: u32,
        items: u32,
    },
    StopActor {
        actor: u32,
    },
    NeedCrew {
        job: u32,
    },
    CrewOver {
        job: u32,
    },
    NeedWorker {
        host: u32,
        own: bool,
    },
    Idle,
    RetireHost {
        host: u32,
    },
    KillPort {
        port: u32,
        /// Index and generation.
        task: (u32, u32),
    },
    Collect,
    SlowWaits,
    /// How many tasks wait in a line, and, the first time, what for.
    Line {
        line: u32,
        waiting: u32,
        /// What one of its tasks takes, in nanoseconds.
        mean: Option<u32>,
        ask: Option<Vec<u8>>,
        /// Where the large arguments of its tasks are: a node, and KiB.
        near: Option<(u32, u32)>,
        /// Its number will not be named again.
        over: bool,
    },
    ForgetTemplate {
        template: u32,
    },
    ForgetCode {
        object: u32,
        generation: u32,
    },
}

/// Reads an inbox.
#[derive(Debug)]
struct Inbox<'a>(&'a [u8]);

impl Inbox<'_> {
    fn take(&mut self, len: usize) -> &[u8] {
        let (head, tail) = self.0.split_at(len);
        self.0 = tail;
        head
    }

    fn word(&mut self) -> u32 {
        u32::from_le_bytes(self.take(4).try_into().expect("four bytes"))
    }

    fn value(&mut self) -> Value {
        let word = self.word();
        let mut value = value(self.take((word & !LINKED) as usize));
        if word & LINKED != 0 {
            value.refs = (0..self.word()).map(|_| self.word()).collect();
            value.buffers = (0..self.word())
                .map(|_| Buffer {
                    id: self.word(),
                    len: u64::from(self.word()) | u64::from(self.word()) << 32,
                })
                .collect();
        }
        value
    }

    fn missing(&mut self) -> Missing {
        Missing {
            position: self.word(),
            task: self.word(),
            generation: self.word(),
            result: self.word(),
        }
    }

    fn record(&mut self) -> News {
        let head = self.take(4).to_vec();
        let status = match head[1] {
            0 => Status::Value,
            1 => Status::UserError,
            3 => Status::RetryAsked,
            _ => Status::SystemError,
        };
        match head[0] {
            1 => {
                let (slot, creates) = (u16::from_le_bytes([head[2], head[3]]), head[1] & 1 != 0);
                let words: Vec<u32> = (0..6).map(|_| self.word()).collect();
                let origin = (head[1] & 2 != 0).then(|| self.take(24).to_vec());
                let missing: Vec<Missing> = if head[1] & 4 == 0 {
                    Vec::new()
                } else {
                    (0..self.word()).map(|_| self.missing()).collect()
                };
                let elsewhere: Vec<(u32, u32)> = if head[1] & 8 == 0 {
                    Vec::new()
                } else {
                    (0..self.word()).map(|_| (self.word(), self.word())).collect()
                };
                let there = words[5] - (missing.len() + elsewhere.len()) as u32;
                News::Task(TaskNews {
                    slot,
                    creates,
                    task: words[0],
                    generation: words[1],
                    template: words[2],
                    attempt: words[3],
                    extra: words[4],
                    origin,
                    missing,
                    elsewhere,
                    arguments: self.value(),
                    deps: (0..there).map(|_| self.value()).collect(),
                })
            }
            2 => News::Value {
                status,
                token: self.word(),
                value: self.value(),
            },
            3 => News::Ready {
                status,
                token: self.word(),
            },
            4 => {
                let (token, object, _generation) = (self.word(), self.word(), self.word());
                News::Item { token, object }
            }
            5 => News::StopTask {
                task: self.word(),
                generation: self.word(),
                force: head[1] & 1 != 0,
                recursive: head[1] & 2 != 0,
            },
            6 => News::Credit {
                task: self.word(),
                generation: self.word(),
                items: self.word(),
            },
            7 => News::StopActor { actor: self.word() },
            8 => News::NeedWorker {
                host: self.word(),
                own: head[1] != 0,
            },
            20 => News::Need {
                place: self.word(),
                object: self.word(),
            },
            21 => News::Drop { place: self.word() },
            18 => News::NeedCrew { job: self.word() },
            19 => News::CrewOver { job: self.word() },
            10 => News::Idle,
            11 => News::RetireHost { host: self.word() },
            12 => News::KillPort {
                port: self.word(),
                task: (self.word(), self.word()),
            },
            13 => News::Collect,
            14 => News::SlowWaits,
            16 if head[1] == 0 => News::ForgetTemplate {
                template: self.word(),
            },
            17 => News::Line {
                line: self.word(),
                waiting: self.word(),
                mean: (head[1] & 8 != 0).then(|| self.word()),
                over: head[1] & 2 != 0,
                ask: (head[1] & 1 != 0).then(|| self.value().bytes),
                near: (head[1] & 4 != 0).then(|| (self.word(), self.word())),
            },
            16 => News::ForgetCode {
                object: self.word(),
                generation: self.word(),
            },
            kind => unreachable!("news of kind {kind}"),
        }
    }
}

/// All records of an inbox.
pub(crate) fn parse(inbox: &[u8]) -> Vec<News> {
    let mut inbox = Inbox(inbox);
    let mut news = Vec::new();
    while !inbox.0.is_empty() {
        news.push(inbox.record());
    }
    news
}
