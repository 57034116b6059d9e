/* The tiny test guest: one static program that is the whole user space. See README.md. */
#ifndef TSG_GUEST_H
#define TSG_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* screen.c: one display through the kernel's mode setting interface, drawn by the CPU. */

struct screen {
    int fd;                 /* /dev/dri/card0 */
    uint32_t connector, crtc;
    uint32_t framebuffer;   /* kernel object ids, 0 where there is none */
    uint32_t buffer;
    uint32_t *pixels;       /* x8r8g8b8, `stride` pixels a row */
    size_t bytes;
    int width, height, stride;
};

bool screen_open(struct screen *screen);
/* Take the mode that the display asks for. True when the size is new: all must be drawn again. */
bool screen_follow(struct screen *screen);
/* Show what was drawn in the rectangle; nothing is visible on virtio-gpu before this. */
void screen_flush(struct screen *screen, int x, int y, int width, int height);
void screen_show_cursor(struct screen *screen);
void screen_move_cursor(struct screen *screen, int x, int y);

/* paint.c: what is on the screen. */

void paint_all(struct screen *screen);
void paint_status(struct screen *screen, const char *text);
/* Type one character at the text cursor: '\n', '\b' and '\t' do what they do on a typewriter. */
void paint_type(struct screen *screen, uint32_t character);
void paint_moving(struct screen *screen, unsigned frame);
void paint_noise(struct screen *screen, unsigned frame);

/* input.c: keyboards and pointers, told to main through the callbacks. */

#define INPUT_LIMIT 16

void input_rescan(void);            /* opens devices that are new */
int input_count(void);
int input_descriptor(int index);    /* to be polled */
void input_read(int index, const struct screen *screen);
void on_key(int code, int value, uint32_t character);           /* value: 0 up, 1 down, 2 repeat */
void on_pointer(int x, int y, unsigned buttons);                /* buttons: 1 left, 2 middle, 4 right, 8, 16 */
void on_wheel(int vertical, int horizontal);

/* text.c: the virtio port whose lines are typed on the screen. */

int text_open(void);                /* opens the port when it is there; its signal descriptor, or -1 */
void text_rescan(void);
void text_read(void);
void on_text(const uint8_t *text, size_t length);               /* UTF-8, one decoded line */

#endif
