//! The templates of a node: who uses them, and their end.
//!
//! A template lives as long as something can name it. What can is counted by its *group*: an object that stands for a
//! registration (a remote function in a thread has a ref to it, and a value that carries the function names it like any
//! nested ref), a task, an actor. Templates whose code names one another, as those of recursive functions do, are of one
//! group, in which they are not counted for one another. When nothing is counted any more all of a group's templates end: their
//! numbers name nothing, they give back the object that holds their code, and the threads that know them are told.
//!
//! 1. Tasks and actors name their template by a [`Use`], which cannot outlive it. A use is made by a visit that has a *hold* of
//!    the group, or from another use; what a visit makes and takes back it counts at its end, together (`Turn::count_uses`).
//!    Another visit may count a task's end before its beginning is counted: that is right in any order, as the hold stays
//!    until then.
//! 2. A number that a thread names may be anybody's or nobody's. It is looked up under the lock of the table, or found in the
//!    template that the port submitted last, and it counts only if the group can still be held.
//! 3. The table keeps a template in memory until its group has ended. Its memory may outlive it, where an `Arc` is at hand;
//!    then it is read, and never used.

use std::sync::{Arc, Weak};

use mobula_fault::failpoint;
use mobula_sync::Mutex;
use mobula_sync::atomic::{AtomicU32, Ordering};
use rustc_hash::FxHashMap;

use crate::crew::Crew;
use crate::node::Node;
use crate::object::{CODE, NONE, Producer};
use crate::port::Event;
use crate::template::{Pointer, Template, TemplateSpec, Use};
use crate::turn::Turn;
use crate::violation::Violation;

/// Templates that end together.
#[derive(Debug)]
pub(crate) struct Group {
    count: Mutex<Count>,
    /// The group whose code the members have with other options; this one has a hold of it.
    parent: Option<Arc<Group>>,
}

#[derive(Debug)]
struct Count {
    /// Registrations, visits that may make uses, and groups whose parent it is.
    holds: u32,
    /// Tasks and actors. Below zero while some are not counted yet, whose visit has a hold.
    uses: i64,
    /// None once the group has ended.
    members: Option<Vec<u32>>,
}

impl Group {
    /// With one hold.
    fn new(parent: Option<Arc<Self>>) -> Arc<Self> {
        let count = Count {
            holds: 1,
            uses: 0,
            members: Some(Vec::new()),
        };
        Arc::new(Self {
            count: Mutex::new(count),
            parent,
        })
    }

    /// One hold more; false if the group has ended.
    #[must_use]
    fn hold(&self) -> bool {
        let mut count = self.count.lock();
        if count.members.is_some() {
            count.holds += 1;
        }
        count.members.is_some()
    }

    /// Counts uses, and lets go of so many holds. Gives the members if the group ends by that.
    fn change(&self, uses: i64, holds: u32) -> Option<Vec<u32>> {
        let mut count = self.count.lock();
        count.uses += uses;
        count.holds -= holds;
        if count.holds > 0 || count.uses > 0 {
            return None;
        }
        debug_assert_eq!(count.uses, 0, "as many ends as beginnings");
        count.members.take()
    }
}

/// A template that has not ended, and the threads that were told of it, by port; those of an ended thread do no harm.
#[derive(Debug)]
struct Entry {
    template: Arc<Template>,
    known: Vec<u16>,
}

/// Code that threads may have loaded.
#[derive(Debug)]
struct Code {
    /// The group of the templates it was first registered with: it may name them.
    group: Weak<Group>,
    ports: Vec<u16>,
}

#[derive(Debug, Default)]
struct Table {
    by_number: FxHashMap<u32, Entry>,
    /// By the object that holds it.
    codes: FxHashMap<u32, Code>,
}

/// See the head of the file.
#[derive(Debug, Default)]
pub(crate) struct Templates {
    table: Mutex<Table>,
    /// Numbers given out: all below. `NONE` is never given.
    next: AtomicU32,
}

fn learn(ports: &mut Vec<u16>, port: u16) {
    if !ports.contains(&port) {
        ports.push(port);
    }
}

impl Templates {
    pub(crate) fn find(&self, number: u32) -> Option<Arc<Template>> {
        let table = self.table.lock();
        table
            .by_number
            .get(&number)
            .map(|entry| Arc::clone(&entry.template))
    }

    /// Whether a template has or had this number.
    pub(crate) fn was_given(&self, number: u32) -> bool {
        number < self.next.load(Ordering::Relaxed)
    }

    fn take_number(&self) -> Option<u32> {
        self.next
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |next| {
                (next < NONE).then_some(next + 1)
            })
            .ok()
    }

    /// The group of a new template, with a hold for its registration: that of the template `with`, or one of its own.
    fn group(&self, code: Option<u32>, with: Option<u32>) -> Arc<Group> {
        if let Some(other) = with.and_then(|number| self.find(number))
            && other.group.hold()
        {
            return Arc::clone(&other.group);
        }
        let parent = code.and_then(|code| self.table.lock().codes.get(&code)?.group.upgrade());
        Group::new(parent.filter(|parent| parent.hold()))
    }

    fn add(
        &self,
        number: u32,
        spec: TemplateSpec,
        meta: &[u8],
        code: Option<u32>,
        group: Arc<Group>,
        crew: Option<Arc<Crew>>,
    ) {
        // The number is not given out yet.
        group
            .count
            .lock()
            .members
            .as_mut()
            .expect("a group that is held")
            .push(number);
        let mut table = self.table.lock();
        if let Some(code) = code {
            table.codes.entry(code).or_insert_with(|| Code {
                group: Arc::downgrade(&group),
                ports: Vec::new(),
            });
        }
        let entry = Entry {
            template: Arc::new(Template::new(number, spec, meta, code, group, crew)),
            known: Vec::new(),
        };
        table.by_number.insert(number, entry);
    }

    /// Takes out a template that has ended. The table gives back the memory of a peak.
    fn remove(&self, number: u32) -> Option<Entry> {
        let mut table = self.table.lock();
        let entry = table.by_number.remove(&number);
        if table.by_number.len() < table.by_number.capacity() / 8 {
            table.by_number.shrink_to_fit();
            table.codes.shrink_to_fit();
        }
        entry
    }
}

/// What a visit has changed for one template, not counted yet.
#[derive(Debug)]
pub(crate) struct Change {
    template: Pointer,
    uses: i64,
    /// Whether the visit has a hold of its group.
    held: bool,
}

/// Most templates whose changes a visit keeps apart.
const MANY: usize = 16;

impl Turn<'_> {
    /// A use of the template of this number; none if it has ended, or never was.
    pub(crate) fn use_template(&mut self, number: u32) -> Option<Use> {
        let last = self.template.as_ref().filter(|last| last.number == number);
        let template = if let Some(last) = last {
            Pointer::of(last)
        } else {
            let found = self.node.templates.find(number)?;
            Pointer::of(self.template.insert(found))
        };
        let is_held = |change: &Change| change.template == template && change.held;
        if !self.changes.iter().any(is_held) {
            if !self.template.as_ref()?.group.hold() {
                return None;
            }
            self.change(template, 0).held = true;
        }
        self.change(template, 1);
        // SAFETY: the visit has a hold, until it has counted the use.
        Some(unsafe { Use::counted(template) })
    }

    /// One use more of a template of which there is one.
    pub(crate) fn use_again(&mut self, other: &Use) -> Use {
        let number = other.number;
        self.use_template(number)
            .expect("a template in use has not ended")
    }

    /// A task or an actor does not use its template any more.
    #[inline]
    pub(crate) fn unuse(&mut self, used: Use) {
        let template = used.give_up();
        if !template.is_null() {
            // Not counted down before `count_uses`: until then the template is there.
            self.change(template, -1);
        }
    }

    fn change(&mut self, template: Pointer, uses: i64) -> &mut Change {
        let known = self
            .changes
            .iter()
            .rposition(|change| change.template == template);
        let at = known.unwrap_or_else(|| {
            if self.changes.len() >= MANY {
                self.count_uses();
            }
            self.changes.push(Change {
                template,
                uses: 0,
                held: false,
            });
            self.changes.len() - 1
        });
        let change = &mut self.changes[at];
        change.uses += uses;
        change
    }

    /// Counts what the visit has changed. Groups that end by that are put off to `end_templates`.
    pub(crate) fn count_uses(&mut self) {
        while let Some(Change { template, uses, held }) = self.changes.pop() {
            // SAFETY: the visit has a hold, or uses that it has taken back and not counted yet.
            let group = unsafe { template.group() };
            self.let_go_of_group(&group, uses, u32::from(held));
        }
    }

    fn let_go_of_group(&mut self, group: &Arc<Group>, uses: i64, holds: u32) {
        let mut ended = group.change(uses, holds);
        let mut next = group.parent.as_ref();
        while let Some(members) = ended {
            self.ended_templates.extend(members);
            ended = next.and_then(|parent| parent.change(0, 1));
            next = next.and_then(|parent| parent.parent.as_ref());
        }
    }

    /// Whether anything is left to do for `count_uses` and `end_templates`.
    pub(crate) fn has_changed_templates(&self) -> bool {
        !self.changes.is_empty() || !self.ended_templates.is_empty()
    }

    /// Those that have ended: nothing can name them any more.
    pub(crate) fn end_templates(&mut self) {
        while !self.ended_templates.is_empty() {
            failpoint!("template.end");
            let ended = self.ended_templates.pop();
            let Some(Entry { template, known }) = ended.and_then(|number| self.node.templates.remove(number))
            else {
                continue;
            };
            for port in known {
                let template = template.number;
                self.post(port, Event::ForgetTemplate { template });
            }
            if template.code != NONE {
                self.release(template.code);
            }
        }
    }

    /// An object that stood for a registration, or held code, is gone.
    pub(crate) fn producer_gone(&mut self, object: u32, generation: u32, producer: Producer) {
        match producer {
            Producer::Registration(number) => {
                if let Some(template) = self.node.templates.find(number) {
                    self.let_go_of_group(&template.group, 0, 1);
                }
            }
            Producer::Code => {
                let code = self.node.templates.table.lock().codes.remove(&object);
                for port in code.into_iter().flat_map(|code| code.ports) {
                    self.post(port, Event::ForgetCode { object, generation });
                }
            }
            Producer::Other => {}
        }
    }
}

impl Node {
    /// Registers what all calls of one remote function have in common, for `port`, and gives its number. It stays registered as
    /// long as `object`, a fresh object of the port's, has references; without one, as long as the node is up. `meta` is kept
    /// for [`Node::template_meta`], and `code`, an object to which the port has a reference, as long as the template is.
    /// `with`: a registered template that its code may name, and whose code may name it.
    ///
    /// Gives nothing when all numbers have been given.
    ///
    /// # Errors
    /// When an object is not what it has to be.
    pub fn add_template(
        &self,
        port: u16,
        object: Option<u32>,
        spec: TemplateSpec,
        meta: &[u8],
        code: Option<u32>,
        with: Option<u32>,
    ) -> Result<Option<u32>, Violation> {
        if let Some(object) = object {
            self.check_fresh(port, object, 0)?;
        }
        if let Some(code) = code {
            let cell = self.objects.find(code).filter(|cell| cell.try_retain());
            let cell = cell.ok_or(Violation::Object(code))?;
            cell.producer.fetch_or(CODE, Ordering::Relaxed);
        }
        let Some(number) = self.templates.take_number() else {
            if let Some(code) = code {
                self.alone(port, |turn| turn.release(code));
            }
            return Ok(None);
        };
        let group = self.templates.group(code, with);
        let crew = self.crew_for_template(port, spec.job);
        self.templates.add(number, spec, meta, code, group, crew);
        if let Some(object) = object {
            self.objects.get(object).stand_for(number);
        }
        self.template_meta(port, number);
        Ok(Some(number))
    }

    /// Registers a template once more: `object` is as in [`Node::add_template`]. False if there is no such template any more.
    ///
    /// # Errors
    /// When `object` is not fresh.
    pub fn register_again(&self, port: u16, object: u32, number: u32) -> Result<bool, Violation> {
        self.check_fresh(port, object, 0)?;
        let found = self
            .templates
            .find(number)
            .filter(|template| template.group.hold());
        if found.is_some() {
            self.objects.get(object).stand_for(number);
        }
        Ok(found.is_some())
    }

    /// What `add_template` was given as `meta`; nothing if there is no such template. The thread of `port` is told when the
    /// template has ended, and when its code is gone.
    pub fn template_meta(&self, port: u16, number: u32) -> Option<Box<[u8]>> {
        let mut table = self.templates.table.lock();
        let Table { by_number, codes } = &mut *table;
        let entry = by_number.get_mut(&number)?;
        learn(&mut entry.known, port);
        if let Some(code) = codes.get_mut(&entry.template.code) {
            learn(&mut code.ports, port);
        }
        Some(entry.template.meta.clone())
    }

    /// What errors call the tasks of a template; empty if there is no such template.
    pub(crate) fn template_name(&self, number: u32) -> Arc<str> {
        let found = self.templates.find(number);
        found.map_or_else(|| Arc::from(""), |template| Arc::clone(&template.spec.name))
    }

    /// How many templates there are, and how many objects hold code that threads may have loaded.
    #[must_use]
    pub fn templates_in_use(&self) -> (usize, usize) {
        let table = self.templates.table.lock();
        (table.by_number.len(), table.codes.len())
    }
}

#[cfg(all(test, loom))]
mod models {
    use loom::thread;
    use mobula_sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn a_group_ends_once_after_its_last_task_whoever_counts_first() {
        loom::model(|| {
            // The registration of a thread that submits a task and drops the function.
            let group = Group::new(None);
            let running = Arc::new(AtomicUsize::new(0));
            assert!(group.hold(), "the visit that submits");
            running.store(1, Ordering::SeqCst);
            let ends = |uses, holds, group: &Arc<Group>, running: &Arc<AtomicUsize>| {
                let ended = group.change(uses, holds).is_some();
                assert!(!ended || running.load(Ordering::SeqCst) == 0, "no task is left");
                usize::from(ended)
            };
            let (theirs, seen) = (Arc::clone(&group), Arc::clone(&running));
            let worker = thread::spawn(move || {
                seen.store(0, Ordering::SeqCst);
                ends(-1, 0, &theirs, &seen)
            });
            // A thread that learned of the number, and may be too late.
            let theirs = Arc::clone(&group);
            let late = thread::spawn(move || {
                if theirs.hold() {
                    usize::from(theirs.change(0, 1).is_some())
                } else {
                    0
                }
            });
            let mine = ends(1, 1, &group, &running) + ends(0, 1, &group, &running);
            let all = mine + worker.join().unwrap() + late.join().unwrap();
            assert_eq!(all, 1, "it ends once");
            assert!(!group.hold(), "nothing brings it back");
        });
    }
}
