import Core

/// Messages that are given up and not yet told, in the order in which they were.
struct DropQueue: ~Copyable {
  private var drops: Table<ManagerEvent.Dropped>
  private var head = 0
  private var count = 0

  init(count: Int, arena: inout Arena) {
    drops = arena.table(
      "MQTT messages dropped", count: count,
      filledWith: ManagerEvent.Dropped(tag: 0, packetID: 0, reason: .expired))
  }

  var isEmpty: Bool { count == 0 }

  var isFull: Bool { count == drops.count }

  mutating func append(_ drop: ManagerEvent.Dropped) {
    precondition(!isFull, "the caller has seen to it that there is room")
    drops[(head + count) % drops.count] = drop
    count += 1
  }

  mutating func take() -> ManagerEvent.Dropped? {
    guard count > 0 else { return nil }
    let drop = drops[head]
    head = (head + 1) % drops.count
    count -= 1
    return drop
  }
}
