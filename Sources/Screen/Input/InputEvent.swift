/// What a terminal reports.
package enum InputEvent: Hashable, Sendable {
    case key(Key)
    case mouse(MouseEvent)
    /// Text pasted in one go, as it came; it is never taken for commands.
    case paste(String)
    case resize(Size)
    /// Another thread has left something in the mailbox.
    case wake
    /// The program was stopped and continues: the screen must be drawn anew.
    case resumed
    /// The terminal is gone; nothing can be drawn any more.
    case hangup
    /// The program was asked to end by this signal.
    case terminate(signal: Int32)
}

/// A mouse report: what happened, and in which cell.
package struct MouseEvent: Hashable, Sendable {
    package enum Action: Hashable, Sendable {
        case press(Button)
        case drag(Button)
        case release(Button)
        case wheelUp
        case wheelDown
    }

    package enum Button: UInt8, Hashable, Sendable {
        case left, middle, right
    }

    package var action: Action
    package var position: Point
    package var modifiers: Key.Modifiers

    package init(_ action: Action, at position: Point, modifiers: Key.Modifiers = []) {
        (self.action, self.position, self.modifiers) = (action, position, modifiers)
    }
}
