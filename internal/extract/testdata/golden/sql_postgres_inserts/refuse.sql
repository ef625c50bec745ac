--
-- PostgreSQL database dump
--
CREATE TABLE public.visits (
    id bigint,
    mail text,
    checksum text
);
INSERT INTO public.visits VALUES (1, 'jdoe@lab.example', '5f4dcc3b5aa765d61d8327deb882cf99');
INSERT INTO public.visits VALUES (2, 'jdoe@lab.example\', '5f4dcc3b5aa765d61d8327deb882cf99');
INSERT INTO public.unknown VALUES (1, 'jdoe@lab.example', 'secret1');
