import CGPIO
import CLinux
import Core
import Device
import Linux

/// What is known of the outputs that outlive a run: memory that the next run gets together with their
/// lines, by the service manager's keeping or from a process that executes itself anew.
///
/// Each change is a few stores, so that even a process that is killed leaves the truth, or what is on the
/// safe side of it.
@safe struct HeldOutputs: ~Copyable {
  /// What the memory is called where it is handed on.
  static var name: StaticString { "outputs" }

  // Nil until `open`, and where the system has no such memory: then nothing is held.
  private var memory: UnsafeMutablePointer<cgpio_held_outputs>?
  private var descriptor: Int32 = -1

  deinit {
    guard let memory = unsafe memory else { return }
    unsafe clinux_unmap(memory, Int(CGPIO_HELD_BYTES))
    close(descriptor)
  }

  /// True when a following run can learn of the outputs.
  var isOpen: Bool { descriptor >= 0 }

  /// Takes the memory that the run before has left; only where there is none yet. False when it has another
  /// form: `descriptor` is closed then.
  mutating func open(_ descriptor: Int32) -> Bool {
    let found = unsafe map(descriptor)
    guard let found = unsafe found, unsafe found.pointee.form == CGPIO_HELD_FORM else {
      if let found = unsafe found { unsafe clinux_unmap(found, Int(CGPIO_HELD_BYTES)) }
      close(descriptor)
      return false
    }
    (unsafe memory, self.descriptor) = unsafe (found, descriptor)
    return true
  }

  /// Makes memory of which no run before knows.
  mutating func create() {
    // Sound: a StaticString ends with a NUL.
    let descriptor = unsafe withCString(of: Self.name) {
      unsafe clinux_shared_open($0, Int(CGPIO_HELD_BYTES))
    }
    guard descriptor >= 0 else { return }
    let made = unsafe map(descriptor)
    guard let made = unsafe made else {
      close(descriptor)
      return
    }
    unsafe made.pointee.form = CGPIO_HELD_FORM
    unsafe made.pointee.link_lost_since = Int64.max
    (unsafe memory, self.descriptor) = unsafe (made, descriptor)
  }

  private func map(_ descriptor: Int32) -> UnsafeMutablePointer<cgpio_held_outputs>? {
    // Sound: the call gives all the bytes of the structure, or nothing.
    unsafe clinux_shared_map(descriptor, Int(CGPIO_HELD_BYTES))?
      .assumingMemoryBound(to: cgpio_held_outputs.self)
  }

  /// Leaves memory and descriptor to whoever follows in this process.
  mutating func leave() { (unsafe memory, descriptor) = (nil, -1) }

  /// Lends the descriptor to be handed on.
  func withDescriptor(_ body: (Int32, Span<UInt8>) -> Void) {
    guard isOpen else { return }
    withBytes(of: Self.name) { body(descriptor, $0) }
  }

  // MARK: What the run before has left

  /// Takes the memory that was handed on, if any; memory of another form is let go.
  mutating func takeHanded(_ manager: ServiceManager) {
    for index in 0..<HandedDescriptors.count {
      HandedDescriptors.with(index) { descriptor, name in
        guard descriptor >= 0, Self.isName(name), !isOpen else { return }
        HandedDescriptors.take(index)
        if !open(descriptor) { manager.letGo(of: name) }
      }
    }
  }

  /// Looks into the memory that was handed on, and leaves it to whoever takes it.
  mutating func readHanded() {
    for index in 0..<HandedDescriptors.count {
      HandedDescriptors.with(index) { descriptor, name in
        guard descriptor >= 0, Self.isName(name), !isOpen else { return }
        let copy = dup(descriptor)
        if copy >= 0 { _ = open(copy) }
      }
    }
  }

  private static func isName(_ text: Span<UInt8>) -> Bool {
    withBytes(of: name) { text.equals($0) }
  }

  /// The line of that number among the descriptors that were handed on, and its place here; -1 for none.
  func handedLine(_ index: Int) -> (descriptor: Int32, place: Int) {
    HandedDescriptors.with(index) { descriptor, name in
      (descriptor, descriptor >= 0 ? place(named: name) ?? -1 : -1)
    }
  }

  /// Takes all lines that were handed on, and that nobody has taken, to their state for a stop, and lets them
  /// go. A line is free only once nobody has it open any more: waits for that.
  mutating func releaseHanded(_ manager: ServiceManager, isTaken: (_ place: Int) -> Bool) {
    var isAny = false
    for index in 0..<HandedDescriptors.count {
      let (descriptor, place) = handedLine(index)
      guard descriptor >= 0 else { continue }
      // Another descriptor under the name of one that is taken says nothing about it.
      if let output = self[place], !isTaken(place) {
        if output.stop <= 1 { _ = cgpio_output_set(descriptor, output.stop == 1) }
        forget(place)
      }
      HandedDescriptors.with(index) { _, name in manager.letGo(of: name) }
      HandedDescriptors.take(index)
      close(descriptor)
      isAny = true
    }
    if isAny { manager.settle() }
  }

  // MARK: Outputs

  /// What an output is called where its line is handed on: "gpiochip0-17". Chips keep their names as long
  /// as the kernel runs, and so do descriptors.
  static func lineName(chip: KernelName, offset: UInt32) -> FixedText<48> {
    var name = FixedText<48>()
    name.append(chip)
    name.append("-")
    name.append(decimal: Int(truncatingIfNeeded: offset))
    return name
  }

  static var places: Range<Int> { 0..<Int(CGPIO_HELD_MAX) }

  /// What is known of an output; nil for a place that is free.
  subscript(place: Int) -> cgpio_held_output? {
    guard let memory = unsafe memory, Self.places.contains(place) else { return nil }
    let output = unsafe entries(of: memory)[place]
    return output.used != 0 ? output : nil
  }

  /// The place of an output of that name; nil for none.
  func place(named name: Span<UInt8>) -> Int? {
    for place in Self.places {
      guard let output = self[place] else { continue }
      let chip = KernelName(field: output.chip)
      if Self.lineName(chip: chip, offset: output.offset).equals(name) { return place }
    }
    return nil
  }

  /// Notes an output in the place that it has, or in one that is free; nil when there is none.
  mutating func note(_ output: cgpio_held_output) -> Int? {
    guard let memory = unsafe memory else { return nil }
    let name = Self.lineName(chip: KernelName(field: output.chip), offset: output.offset)
    let place = name.withBytes { self.place(named: $0) } ?? freePlace
    guard let place else { return nil }
    unsafe entries(of: memory)[place] = output
    return place
  }

  private var freePlace: Int? {
    for place in Self.places where self[place] == nil { return place }
    return nil
  }

  /// Forgets an output.
  mutating func forget(_ place: Int) {
    guard let memory = unsafe memory, Self.places.contains(place) else { return }
    unsafe entries(of: memory)[place].used = 0
  }

  /// When the output goes back to its start state by itself.
  mutating func setRevert(_ instant: Instant, at place: Int) {
    guard let memory = unsafe memory, Self.places.contains(place) else { return }
    unsafe entries(of: memory)[place].revert_at = instant.nanoseconds
  }

  /// What the output is driven to.
  mutating func setLevel(_ level: Bool, at place: Int) {
    guard let memory = unsafe memory, Self.places.contains(place) else { return }
    unsafe entries(of: memory)[place].level = level ? 1 : 0
  }

  /// Since when there is no link to the broker; `.never` while there is one.
  var linkLostSince: Instant {
    get { unsafe Instant(nanoseconds: memory?.pointee.link_lost_since ?? Int64.max) }
    set { unsafe memory?.pointee.link_lost_since = newValue.nanoseconds }
  }

  private func entries(
    of memory: UnsafeMutablePointer<cgpio_held_outputs>
  ) -> UnsafeMutablePointer<cgpio_held_output> {
    // Sound: C lays out an array of the structure at its first member's address.
    unsafe cgpio_held_entries(memory)
  }
}
