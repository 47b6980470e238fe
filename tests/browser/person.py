"""What a person does on the page of `fsl-keras app`."""

import re

from tests.app.server import wait_for


class Person:
    """What a person does on the page."""

    def __init__(self, page):
        page.set_default_timeout(60_000)
        self.page = page
        self.says("Name a class, and give a few")

    def says(self, text):
        self.page.locator("#status").get_by_text(text).wait_for()

    def is_told(self, text):
        self.page.get_by_test_id("toast-body").get_by_text(text).first.wait_for()

    def teaches(self, name, paths, says="Learned "):
        page = self.page
        page.get_by_label("Name of the class").fill(name)
        page.locator("#files input[type=file]").set_input_files(paths)
        page.locator("#files").get_by_text(paths[-1].stem).wait_for()
        page.locator("#teach").click()
        self.says(says)
        # The list of files is emptied last.
        page.locator("#files").get_by_text("Drop File Here").wait_for()

    def teaches_texts(self, name, lines, says="Learned "):
        page = self.page
        page.get_by_label("Name of the class").fill(name)
        page.locator("#lines textarea").fill("\n".join(lines))
        page.locator("#teach").click()
        self.says(says)
        # What is learned is taken out of the box, last.
        wait_for(lambda: not self.lines(), "an empty box")

    def lines(self):
        return self.page.locator("#lines textarea").input_value()

    def pastes(self, where, text):
        """Pastes a long text; to enter it as keys would take minutes."""
        self.page.evaluate("text => navigator.clipboard.writeText(text)", text)
        self.page.locator(where).press("Control+v")

    def tries(self, text):
        self.page.locator("#text textarea").fill(text)

    def shows(self, path):
        page = self.page
        page.get_by_role("tab", name="Picture", exact=True).click()
        page.locator("#picture input[type=file]").set_input_files(path)

    def reads(self, class_name):
        """Waits for the answer."""
        title = self.page.locator("#answer h2")
        title.get_by_text(class_name, exact=True).wait_for()

    def chooses(self, where, option):
        self.page.locator(f"#{where} input").click()
        self.page.get_by_role("option", name=option).click()

    def has_button(self, name):
        """Waits for the button that teaches a class."""
        buttons = self.page.locator("#corrections")
        button = buttons.get_by_role("button", name=name, exact=True)
        button.wait_for()
        return button

    def downloads(self, path):
        """Makes the file of the chosen format, and saves it."""
        self.page.locator("#make").click()
        self.says("is ready")
        with self.page.expect_download() as started:
            self.page.locator("#download a").first.click()
        started.value.save_as(path)

    def opens(self, path):
        self.page.locator("#saved input[type=file]").set_input_files(path)
        self.says(f"Opened {path.name}: ")

    def classes(self):
        """The classes with their numbers of pictures."""
        self.page.locator("#chosen input").click()
        options = self.page.get_by_role("option").all_inner_texts()
        self.page.locator("#chosen input").blur()  # which closes the list
        return {re.sub(r"^\W+", "", option).strip() for option in options[1:]}

    def has(self, classes):
        """Waits until the page lists these classes, with their numbers of pictures."""
        wait_for(lambda: self.classes() == classes, classes)
