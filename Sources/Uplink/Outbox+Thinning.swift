import Core

/// Making room inside the ring: records move together, and neighbours are merged.
extension Outbox {
  /// Where the next record goes while they move, behind those that were moved already. It never comes
  /// before what has not been read.
  private struct Writing: BitwiseCopyable {
    var place: Int
    var count = 0
    /// Reading has gone on at the ring's beginning, and writing has not yet.
    var isBehindEnd = false

    /// Where a record of `size` bytes goes, when what was read ends at `end`; nil where there is no
    /// room yet.
    func target(_ size: Int, before end: Int, of ring: Int) -> Int? {
      if !isBehindEnd { return place + size <= end ? place : nil }
      if place + size <= ring { return place }
      return size <= end ? 0 : nil
    }
  }

  /// Moves all records together, over those that are done.
  mutating func squeeze() {
    var writing = Writing(place: head)
    var place = head
    for _ in 0..<count {
      place = step(to: place, &writing)
      let size = size(at: place)
      if state(at: place) != State.done { move(place, size, &writing) }
      place += size
    }
    settleDown(writing)
  }

  /// Merges readings that wait, only what is late when `onlyHistorical`, to half of what it takes at
  /// least. False, and nothing happens, when that would gain nothing.
  mutating func thin(
    _ merger: inout Merger, _ renderer: borrowing some MessageRenderer & ~Copyable,
    onlyHistorical: Bool
  ) -> Bool {
    var weight: UInt64 = 0
    var bytes = 0
    var place = head
    for _ in 0..<count {
      place = skip(place)
      if isMergeable(place, merger, onlyHistorical) {
        weight &+= UInt64(wide: self.weight(at: place))
        bytes += size(at: place)
      }
      place += size(at: place)
    }
    let room = min(ring.count - ring.count / 4 - (bytesKept - bytes), bytes / 2)
    let recordBytes = Self.headerBytes + Self.weightBytes + renderer.mergedBytesMax
    guard let target = merger.target(weight: weight, room: room, recordBytes: recordBytes)
    else { return false }
    merge(&merger, renderer, to: target, onlyHistorical)
    return true
  }

  private func isMergeable(
    _ place: Int, _ merger: borrowing Merger, _ onlyHistorical: Bool
  ) -> Bool {
    let label = label(at: place)
    return state(at: place) == State.waiting && label.recordClass.isThinned
      && Int(label.series) < merger.seriesCount && label.durability != .always
      && (isHistorical(place) || !onlyHistorical)
  }

  private mutating func merge(
    _ merger: inout Merger, _ renderer: borrowing some MessageRenderer & ~Copyable,
    to target: UInt32, _ onlyHistorical: Bool
  ) {
    var writing = Writing(place: head)
    var place = head
    var isBehindHistory = false
    for _ in 0..<count {
      place = step(to: place, &writing)
      let size = size(at: place)
      if onlyHistorical, !isBehindHistory, state(at: place) != State.done, !isHistorical(place) {
        // Live ones stay as they are, and what is older before them.
        isBehindHistory = true
        putOutAll(&merger, before: place, &writing)
      }
      if isMergeable(place, merger, onlyHistorical) {
        take(place, &merger, renderer, to: target, &writing)
      } else if state(at: place) != State.done {
        move(place, size, &writing)
      }
      place += size
    }
    settleDown(writing)
    for series in 0..<merger.seriesCount where merger.size(series) > 0 {
      putBehind(series, &merger, onlyHistorical)
    }
  }

  /// The record at `place` joins what there is of its series; what is whole then goes out.
  private mutating func take(
    _ place: Int, _ merger: inout Merger, _ renderer: borrowing some MessageRenderer & ~Copyable,
    to target: UInt32, _ writing: inout Writing
  ) {
    let label = label(at: place)
    let series = Int(label.series)
    let end = place + size(at: place)
    let flags = ring[place + 3] & Flag.historical
    let (before, weight) = (merger.weight(series), weight(at: place))
    if before > 0, withBody(Place(offset: place), { merger.merge(label, with: $0, renderer) }) {
      losses.count(.thinned, label, (before == 1 ? 1 : 0) + (weight == 1 ? 1 : 0))
      merger.setWeight(series, before + weight)
    } else {
      // Another kind of reading, a bad one for example: what was before it goes out first. There is
      // room for it but where the ring's end lies in between.
      if before > 0, !putOut(label, flags, &merger, before: place, &writing) {
        losses.lose(.dropped, label, before)
        merger.clear(series)
      }
      withBody(Place(offset: place)) { merger.put(label, $0, weight: weight) }
    }
    finish(place)
    if merger.weight(series) >= target {
      _ = putOut(label, flags, &merger, before: end, &writing)
    }
  }

  /// Writes what there is of all series, as far as there is room, in front of what has not been read.
  private mutating func putOutAll(
    _ merger: inout Merger, before end: Int, _ writing: inout Writing
  ) {
    for series in 0..<merger.seriesCount where merger.size(series) > 0 {
      _ = putOut(merger.label(series), Flag.historical, &merger, before: end, &writing)
    }
  }

  /// Writes what there is of a series in front of what has not been read yet. False, and nothing
  /// happens, when there is no room for it.
  private mutating func putOut(
    _ label: RecordLabel, _ flags: UInt8, _ merger: inout Merger, before end: Int,
    _ writing: inout Writing
  ) -> Bool {
    let size = Self.bytes(Int(label.series), merger)
    guard let target = writing.target(size, before: end, of: ring.count) else { return false }
    if target != writing.place {
      mark(skipAt: writing.place)
      writing.isBehindEnd = false
    }
    Self.write(label, flags, &merger, to: &ring, at: target)
    writing.place = target + size
    writing.count += 1
    unacknowledged += 1
    bytesKept += size
    return true
  }

  /// Appends what is left of a series at the end.
  private mutating func putBehind(
    _ series: Int, _ merger: inout Merger, _ onlyHistorical: Bool
  ) {
    let label = merger.label(series)
    let size = Self.bytes(series, merger)
    guard makeRoom(size) else {
      losses.lose(.dropped, label, merger.weight(series))
      return merger.clear(series)
    }
    Self.write(label, onlyHistorical ? Flag.historical : 0, &merger, to: &ring, at: tail)
    tail += size
    count += 1
    unacknowledged += 1
    bytesKept += size
  }

  /// Bytes that what there is of a series takes here.
  private static func bytes(_ series: Int, _ merger: borrowing Merger) -> Int {
    headerBytes + (merger.weight(series) > 1 ? weightBytes : 0) + merger.size(series)
  }

  private static func write(
    _ label: RecordLabel, _ flags: UInt8, _ merger: inout Merger, to ring: inout Table<UInt8>,
    at place: Int
  ) {
    let series = Int(label.series)
    let size = bytes(series, merger)
    let weight = merger.weight(series)
    merger.withBody(series) { body in
      _ = ring.fill(from: place, limit: size) { out in
        writeHeader(
          label, size, State.waiting, flags: weight > 1 ? flags | Flag.merged : flags, into: &out)
        if weight > 1 { out.append(littleEndian: UInt64(wide: weight), bytes: weightBytes) }
        out.append(contentsOf: body)
      }
    }
    merger.clear(series)
  }

  // MARK: Moving

  /// Where the next record to be read begins.
  private func step(to place: Int, _ writing: inout Writing) -> Int {
    let next = skip(place)
    if next < place { writing.isBehindEnd = true }
    return next
  }

  private mutating func move(_ place: Int, _ size: Int, _ writing: inout Writing) {
    var target = place
    // Where it would not fit before the ring's end, it goes to the beginning, at most to where it is.
    if let free = writing.target(size, before: place + size, of: ring.count) { target = free }
    if writing.isBehindEnd, target <= place {
      mark(skipAt: writing.place)
      writing.isBehindEnd = false
    }
    ring.move(from: place, to: target, count: size)
    for index in 0..<batches.count where batches[index].used && batches[index].offset == place {
      batches[index].movedTo = target
    }
    writing.place = target + size
    writing.count += 1
  }

  /// All have moved.
  private mutating func settleDown(_ writing: Writing) {
    for index in 0..<batches.count where batches[index].movedTo >= 0 {
      batches[index].offset = batches[index].movedTo
      batches[index].movedTo = -1
    }
    count = writing.count
    tail = writing.place
    if count == 0 { (head, tail) = (0, 0) }
    head = skip(head)
    live = head
    history = head
  }
}
