//! What this machine has.

/// Ports on which this machine serves; see proc_net_tcp(5).
pub(crate) fn services() -> Vec<u16> {
    const LISTENING: &str = "0A";
    let tables =
        ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| std::fs::read_to_string(table).unwrap_or_default());
    let port = |line: &str| {
        let mut fields = line.split_whitespace().skip(1);
        let (_, port) = fields.next()?.rsplit_once(':')?;
        (fields.nth(1)? == LISTENING).then(|| u16::from_str_radix(port, 16).ok())?
    };
    let mut ports: Vec<u16> = tables.iter().flat_map(|table| table.lines().filter_map(port)).collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

/// Bytes of memory, where the system tells.
pub(crate) fn memory_of_the_machine() -> Option<u64> {
    let facts = rustix::system::sysinfo();
    let unit = u64::from(facts.mem_unit);
    Some(facts.totalram).and_then(|count| count.checked_mul(unit)).filter(|bytes| *bytes > 0)
}
